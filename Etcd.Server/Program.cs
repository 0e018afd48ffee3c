using Etcd.Server.Hosting;

return await EtcdProgram.RunAsync(args).ConfigureAwait(false);
