using Grpc.Core;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: who disposes of a call needs not await it. Method: collect the garbage and listen for what was not observed.</summary>
public sealed class UnobservedFailureTests
{
    [Fact]
    public async Task A_call_that_is_disposed_of_leaves_no_unobserved_exception()
    {
        var unobserved = new List<Exception>();
        void Listen(object? sender, UnobservedTaskExceptionEventArgs args)
        {
            if (args.Exception.InnerException is RpcException rpc && rpc.Status.Detail == "gRPC call disposed.")
                lock (unobserved)
                    unobserved.Add(rpc);
        }

        TaskScheduler.UnobservedTaskException += Listen;
        try
        {
            await using (var server = await OddServer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted)))
            {
                using var channel = server.Connect();
                for (var i = 0; i < 20; i++)
                    Abandon(channel);
            }

            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Empty(unobserved);
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Listen;
        }
    }

    private static void Abandon(global::Grpc.Net.Client.GrpcChannel channel)
    {
        using var unary = channel.CallUnary("x");
        using var stream = channel.CallClientStreaming();
        _ = unary.ResponseHeadersAsync;
        _ = stream.ResponseHeadersAsync;
    }
}
