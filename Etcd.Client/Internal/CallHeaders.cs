using Grpc.Core;

namespace Etcd.Client;

/// <summary>The headers of calls with one token, made once for all calls. Nobody changes them.</summary>
internal sealed class CallHeaders
{
    private const string TokenKey = "token";
    private const string RequireLeaderKey = "hasleader";
    private const string ApiVersionKey = "client-api-version";
    private const string ApiVersion = "3.7";

    private readonly Metadata _plain;
    private readonly Metadata _requiringLeader;

    public CallHeaders(string? token)
    {
        _plain = Create(token);
        _requiringLeader = Create(token);
        _requiringLeader.Add(RequireLeaderKey, "true");
    }

    public Metadata For(bool requireLeader) => requireLeader ? _requiringLeader : _plain;

    private static Metadata Create(string? token)
    {
        var headers = new Metadata { { ApiVersionKey, ApiVersion } };
        if (token is not null)
            headers.Add(TokenKey, token);
        return headers;
    }
}
