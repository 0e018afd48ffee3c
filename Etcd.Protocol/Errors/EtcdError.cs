using Grpc.Core;

namespace Etcd.Protocol.Errors;

/// <summary>One row of the error table; see <see cref="EtcdErrors"/>, which holds all there are.</summary>
/// <param name="Id">Names the error within this process.</param>
/// <param name="Code">The code that etcd's table gives it, and that a client reports.</param>
/// <param name="Text">The exact text on the wire.</param>
public sealed record EtcdError(EtcdErrorId Id, StatusCode Code, string Text)
{
    /// <summary>
    /// The code that a server sends. It differs from <see cref="Code"/> for two errors which etcd's server sends as
    /// Unknown and whose real code its clients look up by the text; other clients depend on what is sent.
    /// </summary>
    public StatusCode WireCode { get; init; } = Code;

    /// <summary>
    /// The error as Go prints a gRPC status. Watches that auth refuses carry it as their cancel reason.
    /// </summary>
    public string StatusText => $"rpc error: code = {GoName(WireCode)} desc = {Text}";

    /// <summary>The error as the status of a call.</summary>
    public Status ToStatus() => new(WireCode, Text);

    /// <summary>The exception that ends a gRPC call with this error.</summary>
    public RpcException ToRpcException() => new(ToStatus());

    /// <summary>The exception that code below the API throws.</summary>
    public EtcdErrorException ToException() => new(this);

    private static string GoName(StatusCode code) => code switch
    {
        StatusCode.Cancelled => "Canceled",
        _ => code.ToString(),
    };
}
