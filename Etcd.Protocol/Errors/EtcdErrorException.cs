namespace Etcd.Protocol.Errors;

/// <summary>
/// A request ends with an error of the table. The server's rooms throw it without knowing gRPC; the Api room turns it
/// into the call's status. Its message is the error's text.
/// </summary>
public sealed class EtcdErrorException(EtcdError error) : Exception(error.Text)
{
    /// <summary>The error.</summary>
    public EtcdError Error { get; } = error;
}
