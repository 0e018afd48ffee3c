using AppHost.Arguments;
using AppHost.Cluster;
using AppHost.Output;
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
if (claim is null)
{
    Console.Error.WriteLine(problem);
    return 1;
}

if (arguments.Fresh)
{
    cluster.DeleteData();
}

foreach (var member in cluster.Members)
{
    if (builder.Configuration["Etcd:Executable"] is { Length: > 0 } executable)
    {
        builder.AddExecutable(member.Name, executable, builder.AppHostDirectory).RunsMember(member, cluster);
    }
    else
    {
        builder.AddProject<Projects.Etcd_Server>(member.Name, launchProfileName: null)
            .WithEndpointsInEnvironment(_ => false)
            .RunsMember(member, cluster);
    }
}

builder.RestartsDeadResources();
builder.ShowsMembers(cluster);

using var application = builder.Build();
await application.RunAsync();
await application.FlushOutputAsync();
return 0;
