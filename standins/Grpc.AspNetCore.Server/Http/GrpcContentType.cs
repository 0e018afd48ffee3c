namespace Grpc.AspNetCore.Server.Http;

/// <summary>The content type <c>application/grpc</c>, which may go on with a message format or parameters.</summary>
internal static class GrpcContentType
{
    public const string Value = "application/grpc";

    public static bool Matches(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(Value, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == Value.Length || contentType[Value.Length] is '+' or ';' or ' ');
}
