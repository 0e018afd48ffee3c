using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;
using Etcd.Server.Diagnostics;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Listeners;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Hosting.Restore;
using Etcd.Server.Io.Os;
using Etcd.Server.Primitives;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting;

/// <summary>
/// The server as a program. Exit codes: 0 after a clean stop, --help or --version; 1 if the member cannot start or had to
/// give up, or if settings do not go together; 2 for a flag that cannot be parsed. SIGTERM and SIGINT stop it cleanly; a second one ends it at once.
/// </summary>
internal static class EtcdProgram
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromMilliseconds(500);

    // What clients still wait for then waits for others: a quorum, or a leader that does not come.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMilliseconds(300);

    /// <summary>Runs until stopped.</summary>
    /// <param name="arguments">The command line.</param>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--version"] or ["-version"])
        {
            Console.WriteLine($"etcd Version: {EtcdVersion.Server}");
            Console.WriteLine($"Server: Etcd.Server for .NET {Environment.Version}");
            Console.WriteLine($"OS/Arch: {RuntimeInformation.RuntimeIdentifier}");
            return 0;
        }

        if (RestoreCommand.IsMeant(arguments))
        {
            return Restore(arguments);
        }

        if (arguments.Any(a => a is "--help" or "-help" or "-h" or "--h"))
        {
            Console.Write(ServerFlags.Help());
            return 0;
        }

        FlagSet<ServerOptions>.Result parsed;
        try
        {
            parsed = ServerFlags.Parse(arguments, EnvironmentVariables());
        }
        catch (FlagException e)
        {
            await Console.Error.WriteLineAsync($"error verifying flags, {e.Message}. See 'Etcd.Server --help'.").ConfigureAwait(false);
            return e.ExitCode;
        }

        return await RunAsync(parsed).ConfigureAwait(false);
    }

    private static int Restore(string[] arguments)
    {
        var defaults = new ServerOptions();
        using var provider = new ZapLoggerProvider(defaults.LogOutputs, defaults.LogFormat, TimeProvider.System);
        using ILoggerFactory logging = LoggerFactory.Create(b => b.AddProvider(provider));
        return RestoreCommand.Run(arguments, OsFileSystem.Instance, logging.CreateLogger("Etcd.Server.Hosting.Restore"));
    }

    private static async Task<int> RunAsync(FlagSet<ServerOptions>.Result parsed)
    {
        ServerOptions options = parsed.Options;
        using var provider = new ZapLoggerProvider(options.LogOutputs, options.LogFormat, TimeProvider.System);
        using ILoggerFactory logging = LoggerFactory.Create(b => b
            .AddProvider(provider)
            .AddServerTelemetry()
            .SetMinimumLevel(options.LogLevel)
            .AddFilter("Microsoft", options.LogLevel == LogLevel.Debug ? LogLevel.Debug : LogLevel.Error)
            // Where anything of it is logged, ASP.NET makes an activity and a scope of each request, though it has nothing to say but at Debug.
            .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", options.LogLevel == LogLevel.Debug ? LogLevel.Debug : LogLevel.None)
            // What it would say about a failed start is said by this program, once.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None));
        ILogger log = logging.CreateLogger("Etcd.Server.Hosting.EtcdMember");
        foreach (string warning in parsed.Warnings)
        {
            HostingLog.FlagWarning(log, warning);
        }

        try
        {
            return await ServeAsync(options, logging, log).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ClusterStartException or FormatException or NotSupportedException
            or System.Security.Cryptography.CryptographicException or UnauthorizedAccessException)
        {
            // What an operator can cause and mend: a port in use, a folder that is damaged, locked or not ours.
            HostingLog.FailedToStart(log, e);
            return 1;
        }
    }

    private static async Task<int> ServeAsync(ServerOptions options, ILoggerFactory logging, ILogger log)
    {
        HostingLog.Starting(
            log,
            EtcdVersion.Server,
            options.Name,
            options.EffectiveDataDir,
            options.ListenClientUrls.Select(u => u.Text),
            options.ListenPeerUrls.Select(u => u.Text));
        // A port that is in use is found before anything is written.
        ListenCheck.EnsureFree([.. options.ListenPeerUrls, .. options.ListenClientUrls, .. options.ListenMetricsUrls]);
        var stop = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var onTerm = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => OnSignal(s, stop));
        using var onInt = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => OnSignal(s, stop));
        Task<ClusterBirth> finding = ClusterBirth.FindAsync(options, OsFileSystem.Instance, log, CancellationToken.None);
        if (await Task.WhenAny(finding, stop.Task).ConfigureAwait(false) == stop.Task)
        {
            HostingLog.SignalReceived(log, await stop.Task.ConfigureAwait(false));
            return 0;
        }

        await using var member = new EtcdMember(
            options, OsFileSystem.Instance, TimeProvider.System, log, await finding.ConfigureAwait(false));
        await using WebApplication clients = ClientServer.Build(options, member, logging);
        await using WebApplication peers = ClientServer.BuildForPeers(options, member, logging);
        await using WebApplication? metrics = ClientServer.BuildForMetrics(options, member, logging);
        await clients.StartAsync().ConfigureAwait(false);
        // The others are turned away until this member knows them.
        member.Start();
        await peers.StartAsync().ConfigureAwait(false);
        if (metrics is not null)
        {
            await metrics.StartAsync().ConfigureAwait(false);
            foreach (EtcdEndpoint endpoint in metrics.Services.GetRequiredService<IBoundEndpoints>().Endpoints)
            {
                HostingLog.ServingMetrics(log, endpoint.ToString());
            }
        }

        await Task.WhenAny(member.Serving, member.Failed, member.Removed, stop.Task).ConfigureAwait(false);
        if (member.Serving.IsCompletedSuccessfully)
        {
            TellAddresses(log, clients, peers);
        }

        Task ended = await Task.WhenAny(member.Failed, StartFailure(member.Started), member.Removed, stop.Task).ConfigureAwait(false);
        if (ended == stop.Task)
        {
            HostingLog.SignalReceived(log, await stop.Task.ConfigureAwait(false));
        }
        else if (ended == member.Removed)
        {
            HostingLog.ServerError(log, EtcdMember.RemovedText);
            HostingLog.DataMustBeRemoved(log);
        }
        else
        {
            // A start that fails because the log failed says "server stopped"; the log's own failure is what the operator needs.
            HostingLog.MemberFailed(log, (member.Failed.Exception ?? ended.Exception!).GetBaseException());
        }

        member.BeginStop();
        // No call begins any more; those that are under way may need the new leader.
        Task closing = StopAsync(clients);
        if (ended == stop.Task)
        {
            await member.HandOverAsync().ConfigureAwait(false);
        }

        await Task.WhenAny(closing, Task.Delay(AnswerTimeout)).ConfigureAwait(false);
        member.EndRequests();
        await closing.ConfigureAwait(false);
        if (metrics is not null)
        {
            await StopAsync(metrics).ConfigureAwait(false);
        }

        await member.DisposeAsync().ConfigureAwait(false);
        // Its streams are closed by now, so that it has nothing to wait for.
        await StopAsync(peers).ConfigureAwait(false);
        if (ended != stop.Task && ended != member.Removed)
        {
            return 1;
        }

        if (member.Failed.IsFaulted)
        {
            // While it stopped: what was still under way is not acknowledged, and the operator must hear of it.
            HostingLog.MemberFailed(log, member.Failed.Exception.GetBaseException());
            return 1;
        }

        HostingLog.Closed(log, options.Name, options.EffectiveDataDir);
        return 0;
    }

    private static async Task StopAsync(WebApplication server)
    {
        using var limit = new CancellationTokenSource(StopTimeout);
        await server.StopAsync(limit.Token).ConfigureAwait(false);
    }

    private static void OnSignal(PosixSignalContext signal, TaskCompletionSource<string> stop)
    {
        // The second signal keeps its default meaning: the end, at once.
        signal.Cancel = stop.TrySetResult(signal.Signal == PosixSignal.SIGTERM ? "terminated" : "interrupt");
    }

    /// <summary>Completes only if the start fails: a member that has started ends by other means.</summary>
    private static async Task StartFailure(Task started)
    {
        await started.ConfigureAwait(false);
        await Task.Delay(Timeout.Infinite).ConfigureAwait(false);
    }

    private static void TellAddresses(ILogger log, WebApplication clients, WebApplication peers)
    {
        foreach (EtcdEndpoint endpoint in clients.Services.GetRequiredService<IBoundEndpoints>().Endpoints)
        {
            if (endpoint.IsTls)
            {
                HostingLog.ServingSecurely(log, "grpc+http", endpoint.ToString());
            }
            else
            {
                HostingLog.ServingInsecurely(log, "grpc+http", endpoint.ToString());
            }
        }

        foreach (EtcdEndpoint endpoint in peers.Services.GetRequiredService<IBoundEndpoints>().Endpoints)
        {
            HostingLog.ServingPeers(log, endpoint.ToString());
        }
    }

    private static Dictionary<string, string> EnvironmentVariables() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToDictionary(e => (string)e.Key, e => Convert.ToString(e.Value, CultureInfo.InvariantCulture) ?? "", StringComparer.Ordinal);
}
