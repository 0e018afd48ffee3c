namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>One request of a scenario, or a few that belong together.</summary>
internal interface IStep
{
    Task RunAsync(Session session);
}
