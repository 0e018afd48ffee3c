namespace Grpc.AspNetCore.Server.Calls;

/// <summary>
/// A serializer failed when part of its message was already in the response. The stream cannot be ended with a status
/// any more, as the client would take that for the rest of the message.
/// </summary>
internal sealed class TornMessageException(Exception cause) : Exception(cause.Message, cause);
