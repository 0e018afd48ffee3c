using Grpc.Core;

namespace Etcd.Grpc.Tests.CoreApi;

/// <summary>Goal: call objects, options, status and exceptions hand on what they were made of.</summary>
public sealed class CallTypesTests
{
    [Fact]
    public async Task A_unary_call_over_a_state_object_passes_it_to_each_function()
    {
        var disposed = new List<object>();
        var call = new AsyncUnaryCall<string>(
            Task.FromResult("response"),
            state => Task.FromResult(new Metadata { { "state", (string)state } }),
            state => new Status(StatusCode.Aborted, (string)state),
            state => new Metadata { { "trailer", (string)state } },
            disposed.Add,
            "the state");

        Assert.Equal("response", await call);
        Assert.Equal("response", await call.ConfigureAwait(true));
        Assert.Equal("the state", (await call.ResponseHeadersAsync).GetValue("state"));
        Assert.Equal("the state", call.GetStatus().Detail);
        Assert.Equal("the state", call.GetTrailers().GetValue("trailer"));
        call.Dispose();
        Assert.Equal(["the state"], disposed);
    }

    [Fact]
    public async Task A_unary_call_over_functions_calls_each()
    {
        var disposed = false;
        var call = new AsyncUnaryCall<string>(
            Task.FromResult("response"), Task.FromResult(Metadata.Empty), () => Status.DefaultSuccess,
            () => Metadata.Empty, () => disposed = true);

        Assert.Equal("response", await call.ResponseAsync);
        Assert.Same(Metadata.Empty, await call.ResponseHeadersAsync);
        Assert.Equal(Status.DefaultSuccess, call.GetStatus());
        Assert.Same(Metadata.Empty, call.GetTrailers());
        call.Dispose();
        Assert.True(disposed);
    }

    [Fact]
    public void Options_change_by_copies()
    {
        var headers = new Metadata();
        var deadline = DateTime.UtcNow;
        var options = new CallOptions(headers, deadline);

        var changed = options.WithWaitForReady().WithWriteOptions(new WriteOptions(WriteFlags.NoCompress)).WithDeadline(DateTime.MaxValue);

        Assert.False(options.IsWaitForReady);
        Assert.Null(options.WriteOptions);
        Assert.Equal(deadline, options.Deadline);
        Assert.True(changed.IsWaitForReady);
        Assert.Equal(WriteFlags.NoCompress, changed.WriteOptions!.Flags);
        Assert.Equal(DateTime.MaxValue, changed.Deadline);
        Assert.Same(headers, changed.Headers);
    }

    [Fact]
    public void A_status_and_its_exception_say_what_happened()
    {
        var cause = new IOException("broken pipe");
        var status = new Status(StatusCode.Unavailable, "gone", cause);
        var trailers = new Metadata { { "a", "b" } };

        var exception = new RpcException(status, trailers);

        Assert.Equal("Status(StatusCode=\"OK\", Detail=\"\")", Status.DefaultSuccess.ToString());
        Assert.StartsWith("Status(StatusCode=\"Unavailable\", Detail=\"gone\"", exception.Message, StringComparison.Ordinal);
        Assert.Contains("broken pipe", exception.Message, StringComparison.Ordinal);
        Assert.Equal(StatusCode.Unavailable, exception.StatusCode);
        Assert.Same(trailers, exception.Trailers);
        Assert.Empty(new RpcException(status).Trailers);
        Assert.Equal("my words", new RpcException(status, "my words").Message);
    }

    [Fact]
    public void Call_credentials_do_not_compose_with_an_insecure_channel()
    {
        var token = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);

        Assert.Throws<ArgumentException>(() => ChannelCredentials.Create(ChannelCredentials.Insecure, token));
        Assert.NotNull(ChannelCredentials.Create(ChannelCredentials.SecureSsl, CallCredentials.Compose(token, token)));
        Assert.Throws<ArgumentException>(() => CallCredentials.Compose(token));
    }

    [Fact]
    public void A_method_knows_its_path()
    {
        IMethod method = new Method<string, string>(
            MethodType.DuplexStreaming, "etcdserverpb.Watch", "Watch", Marshallers.StringMarshaller, Marshallers.StringMarshaller);

        Assert.Equal("/etcdserverpb.Watch/Watch", method.FullName);
        Assert.Equal(MethodType.DuplexStreaming, method.Type);
    }

    [Fact]
    public void A_client_made_without_a_channel_says_so_when_it_calls()
    {
        Assert.Throws<NotSupportedException>(() => new TextClient().Call("x"));
    }

    [Fact]
    public void WithHost_gives_a_client_whose_calls_name_the_host()
    {
        var invoker = new RecordingInvoker();

        new TextClient(invoker).WithHost("etcd.example").Call("x");
        new TextClient(invoker).Call("x");

        Assert.Equal(["etcd.example", null], invoker.Hosts);
    }

    private sealed class TextClient : ClientBase<TextClient>
    {
        public TextClient()
        {
        }

        public TextClient(CallInvoker invoker)
            : base(invoker)
        {
        }

        private TextClient(ClientBaseConfiguration configuration)
            : base(configuration)
        {
        }

        public string Call(string request) => CallInvoker.BlockingUnaryCall(Client.TextService.Unary, null, default, request);

        protected override TextClient NewInstance(ClientBaseConfiguration configuration) => new(configuration);
    }

    private sealed class RecordingInvoker : CallInvoker
    {
        public List<string?> Hosts { get; } = [];

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            Hosts.Add(host);
            return (TResponse)(object)request;
        }

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            throw new NotSupportedException();

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) =>
            throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) =>
            throw new NotSupportedException();
    }
}
