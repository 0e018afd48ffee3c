using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>
/// An etcdctl watch: runs beside the steps that it is to see, until it has printed the lines that are expected, and is
/// ended then. It must name a revision to start from, so that it sees them however late it is.
/// </summary>
/// <param name="Line">The command without endpoint.</param>
/// <param name="Lines">How many lines it is to print.</param>
/// <param name="Seen">The steps that it is to see.</param>
internal sealed record CtlWatch(string Line, int Lines, params IReadOnlyList<IStep> Seen) : IStep
{
    /// <summary>Whether it goes on to print lines, of which the first are compared.</summary>
    public bool IsEndless { get; init; }

    /// <summary>Which member of a cluster is watched; null for the first.</summary>
    public int? At { get; init; }

    public async Task RunAsync(Session session)
    {
        await using CapturedProcess watch = EtcdCtl.Start(session.Target.EndpointOf(At), CommandLine.Split(session.Resolve(Line)));
        foreach (IStep step in Seen)
        {
            await step.RunAsync(session);
        }

        await watch.WaitUntilAsync($"{Lines} lines", () => new(watch.StdoutLines.Count >= Lines), Session.Cancellation);
        watch.Send(Signal.Kill);
        await watch.WaitForExitAsync(Session.Cancellation);
        Assert.True(IsEndless || watch.StdoutLines.Count == Lines, $"{Line}: {Lines} lines expected:\n{string.Join('\n', watch.StdoutLines)}");
        session.Add(Line, AnswerLines.Of("out", watch.StdoutLines.Take(Lines), session.Target));
    }
}
