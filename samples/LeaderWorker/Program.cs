using Etcd.ServiceDefaults;
using LeaderWorker;

var builder = Host.CreateApplicationBuilder(args);
builder.AddServiceDefaults();
builder.AddEtcdClient("etcd");

// Of all instances that run this, one leads; another takes over when it stops, dies, or is cut off from the cluster.
builder.Services
    .AddEtcdLeaderElection("samples/leader", election => election.Candidate = builder.Configuration["Worker:Name"] ?? election.Candidate)
    .AddLeaderService<Counter>();

// This runs in every instance.
builder.Services.AddHostedService<LeaderLog>();

builder.Build().Run();
