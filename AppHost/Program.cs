using AppHost.Arguments;
using AppHost.Cluster;
using AppHost.Commands;
using AppHost.Output;
using AppHost.Samples;
using AppHost.Supervision;
using Aspire.Hosting;

var arguments = AppHostArguments.Parse(args);
if (arguments.Answer is { } answer)
{
    return answer.Print();
}

var builder = DistributedApplication.CreateBuilder(arguments.HostArguments);
var cluster = ClusterLayout.Create(arguments, builder.AppHostDirectory);
using var claim = ClusterClaim.TryTake(cluster, out var problem);
if (claim is not null && arguments.Fresh)
{
    cluster.DeleteData();
}

problem ??= ClusterRecord.Check(cluster);
if (problem is not null)
{
    Console.Error.WriteLine(problem);
    return 1;
}

var whole = builder.AddCluster(cluster);
foreach (var member in cluster.Members)
{
    if (builder.Configuration["Etcd:Executable"] is { Length: > 0 } executable)
    {
        builder.AddExecutable(member.Name, executable, builder.AppHostDirectory)
            .RunsMember(member, cluster)
            .WithParentRelationship(whole);
    }
    else
    {
        builder.AddProject<Projects.Etcd_Server>(member.Name, launchProfileName: null)
            .WithEndpointsInEnvironment(_ => false)
            .RunsMember(member, cluster)
            .WithParentRelationship(whole);
    }
}

if (arguments.Samples)
{
    builder.AddSamples(whole, cluster);
}

builder.RestartsDeadResources();
builder.ShowsMembers(cluster);
builder.TakesTypedCommands();

using var application = builder.Build();
await application.RunAsync();
await application.FlushOutputAsync();
return 0;
