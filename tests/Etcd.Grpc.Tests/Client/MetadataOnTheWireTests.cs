using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Etcd.Grpc.Tests.Client;

/// <summary>Goal: metadata travels as HTTP/2 headers both ways as the protocol says.</summary>
public sealed class MetadataOnTheWireTests
{
    private static readonly byte[] _bytes = [0, 1, 2, 250, 255, 62, 63];

    [Fact]
    public async Task Request_headers_arrive_with_those_of_the_protocol()
    {
        var seen = new HeaderDictionary();
        await using var server = await OddServer.StartAsync(context =>
        {
            foreach (var header in context.Request.Headers)
                seen.Add(header);
            return context.AnswerAsync("ok");
        });
        using var channel = server.Connect();

        await channel.CallUnary("x", new CallOptions(new Metadata
        {
            { "Token", "secret.1" },
            { "twice", "a" },
            { "twice", "b" },
            { "raw-bin", _bytes },
        }));

        Assert.Equal("application/grpc", seen["content-type"]);
        Assert.Equal("trailers", seen["te"]);
        Assert.StartsWith("identity,gzip", seen["grpc-accept-encoding"].ToString(), StringComparison.Ordinal);
        Assert.StartsWith("grpc-dotnet/", seen["user-agent"].ToString(), StringComparison.Ordinal);
        Assert.Equal("secret.1", seen["token"]);
        Assert.Contains("a", seen["twice"].ToString(), StringComparison.Ordinal);
        Assert.Contains("b", seen["twice"].ToString(), StringComparison.Ordinal);
        Assert.Equal(Convert.ToBase64String(_bytes).TrimEnd('='), seen["raw-bin"].ToString().TrimEnd('='));
        Assert.False(seen.ContainsKey("grpc-timeout"));
    }

    [Fact]
    public async Task Response_headers_and_trailers_arrive_without_those_of_the_protocol()
    {
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.Response.Headers["early"] = "1";
            context.Response.Headers["grpc-encoding"] = "identity";
            context.StartGrpc();
            await context.WriteMessageAsync("x");
            context.Response.AppendTrailer("late", "2");
            context.Response.AppendTrailer("padded-bin", Convert.ToBase64String(_bytes));
            context.Response.AppendTrailer("bare-bin", Convert.ToBase64String(_bytes).TrimEnd('='));
            context.Response.AppendTrailer("list-bin", "AQ==,Ag");
            context.EndGrpc(0, "fine");
        });
        using var channel = server.Connect();

        using var call = channel.CallUnary("x");
        await call;
        var headers = await call.ResponseHeadersAsync;
        var trailers = call.GetTrailers();

        Assert.Equal("1", headers.GetValue("early"));
        Assert.Null(headers.Get("grpc-encoding"));
        Assert.Equal("2", trailers.GetValue("late"));
        Assert.Equal(_bytes, trailers.GetValueBytes("padded-bin"));
        Assert.Equal(_bytes, trailers.GetValueBytes("bare-bin"));
        Assert.Equal([[1], [2]], trailers.GetAll("list-bin").Select(entry => entry.ValueBytes));
        Assert.Null(trailers.Get("grpc-status"));
        Assert.Null(trailers.Get("grpc-message"));
        Assert.Equal("fine", call.GetStatus().Detail);
    }

    [Fact]
    public async Task Response_headers_are_there_before_the_response()
    {
        var proceed = new TaskCompletionSource();
        await using var server = await OddServer.StartAsync(async context =>
        {
            context.Response.Headers["early"] = "1";
            context.StartGrpc();
            await context.Response.Body.FlushAsync();
            await proceed.Task;
            await context.WriteMessageAsync("late");
            context.EndGrpc();
        });
        using var channel = server.Connect();

        using var call = channel.CallUnary("x");
        var headers = await call.ResponseHeadersAsync;

        Assert.Equal("1", headers.GetValue("early"));
        Assert.False(call.ResponseAsync.IsCompleted);
        proceed.SetResult();
        Assert.Equal("late", await call);
    }
}
