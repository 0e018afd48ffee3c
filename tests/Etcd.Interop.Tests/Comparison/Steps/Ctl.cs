using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>An etcdctl command that ends by itself.</summary>
/// <param name="Line">The command without endpoint; <c>$name</c> means what a step before has named.</param>
/// <param name="Input">What it reads from stdin.</param>
internal sealed record Ctl(string Line, string Input = "") : IStep
{
    /// <summary>Which member of a cluster is asked; null for the first.</summary>
    public int? At { get; init; }

    /// <summary>Whether the lines come in no order.</summary>
    public bool IsSorted { get; init; }

    public async Task RunAsync(Session session)
    {
        CommandResult result = await EtcdCtl.RunAsync(
            session.Target.EndpointOf(At), CommandLine.Split(session.Resolve(Line)), Session.Cancellation, Input);
        IEnumerable<string> lines = AnswerLines.Of(result, session.Target);
        session.Add(At is null ? Line : $"{Line} at {At}", lines, IsSorted);
    }
}
