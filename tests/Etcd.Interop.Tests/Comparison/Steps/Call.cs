using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>A unary call for what etcdctl cannot ask: the answer is the response's fields, or the error's code and text.</summary>
/// <param name="Title">What it asks.</param>
/// <param name="Ask">Makes the call.</param>
internal sealed record Call(string Title, Func<GrpcChannel, Task<IMessage>> Ask) : IStep
{
    public async Task RunAsync(Session session)
    {
        try
        {
            session.Add(Title, Fields(await Ask(session.Channel)));
        }
        catch (RpcException e)
        {
            session.Add(Title, [Error(e)]);
        }
    }

    /// <summary>The error as a line.</summary>
    public static string Error(RpcException error) => $"error: {error.StatusCode}: {error.Status.Detail}";

    /// <summary>The fields that are set, a line each.</summary>
    public static IEnumerable<string> Fields(IMessage message)
    {
        using JsonDocument json = JsonDocument.Parse(JsonFormatter.Default.Format(message));
        return [.. AnswerLines.Fields(json.RootElement)];
    }
}
