using Grpc.Core;

namespace Grpc.Net.Client.Internal.Credentials;

/// <summary>Flattens call credentials into the interceptors that they are made of.</summary>
internal sealed class CallCredentialsReader : CallCredentialsConfiguratorBase
{
    private readonly List<AsyncAuthInterceptor> _interceptors = [];

    /// <summary>Lets the credentials add their headers in their order.</summary>
    public static async Task ApplyAsync(CallCredentials credentials, AuthInterceptorContext context, Metadata headers)
    {
        var reader = new CallCredentialsReader();
        credentials.InternalPopulateConfiguration(reader, null);
        foreach (var interceptor in reader._interceptors)
            await interceptor(context, headers).ConfigureAwait(false);
    }

    public override void SetCompositeCredentials(object? state, IReadOnlyList<CallCredentials> credentials)
    {
        foreach (var part in credentials)
            part.InternalPopulateConfiguration(this, state);
    }

    public override void SetAsyncAuthInterceptorCredentials(object? state, AsyncAuthInterceptor interceptor) =>
        _interceptors.Add(interceptor);
}
