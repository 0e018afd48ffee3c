using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>An etcdctl command that ends by itself.</summary>
/// <param name="Line">The command without endpoint; <c>$name</c> means what a step before has named.</param>
/// <param name="Input">What it reads from stdin.</param>
internal sealed record Ctl(string Line, string Input = "") : IStep
{
    public async Task RunAsync(Session session)
    {
        CommandResult result = await EtcdCtl.RunAsync(
            session.Server.Endpoint, CommandLine.Split(session.Resolve(Line)), Session.Cancellation, Input);
        session.Add(Line, AnswerLines.Of(result, session.Server));
    }
}
