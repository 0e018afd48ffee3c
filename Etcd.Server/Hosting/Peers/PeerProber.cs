using System.Text.Json;
using Etcd.Server.Peer;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Asks another member for a sign of life in regular intervals, and tells the operator if it gives none or its clock differs.
/// </summary>
internal sealed class PeerProber(PeerContext context, PeerLink link)
{
    private const string RoundTripperName = "ROUND_TRIPPER_RAFT_MESSAGE";
    private const int AnswerBytesMax = 4096;

    private static readonly TimeSpan HealthyReportInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan UnhealthyReportInterval = TimeSpan.FromSeconds(5);

    /// <summary>What the probes have shown.</summary>
    public ProbeStatistics Statistics { get; } = new();

    /// <summary>Runs until stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        long reported = context.Clock.GetTimestamp();
        TimeSpan reportInterval = UnhealthyReportInterval;
        while (!stopping.IsCancellationRequested)
        {
            await Task.Delay(context.Options.ProbeInterval, context.Clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
            {
                return;
            }

            if (!link.IsPaused)
            {
                await ProbeAsync(stopping).ConfigureAwait(false);
            }

            if (context.Clock.GetElapsedTime(reported) >= reportInterval && !stopping.IsCancellationRequested)
            {
                reported = context.Clock.GetTimestamp();
                reportInterval = Report() ? HealthyReportInterval : UnhealthyReportInterval;
            }
        }
    }

    private async Task ProbeAsync(CancellationToken stopping)
    {
        string url = link.Urls.Pick();
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            limit.CancelAfter(context.Options.DialTimeout + context.Options.StreamTimeout);
            using HttpRequestMessage request = context.Http.NewRequest(HttpMethod.Get, url, PeerPaths.Probing);
            long started = context.Clock.GetTimestamp();
            using HttpResponseMessage answer = await context.Http.Requests.SendAsync(request, limit.Token).ConfigureAwait(false);
            byte[] body = await PeerAnswers.ReadAsync(answer, AnswerBytesMax, limit.Token).ConfigureAwait(false);
            TimeSpan roundTrip = context.Clock.GetElapsedTime(started);
            using JsonDocument health = JsonDocument.Parse(body);
            if (!answer.IsSuccessStatusCode || !health.RootElement.GetProperty("OK").GetBoolean())
            {
                throw new HttpRequestException("unhealthy");
            }

            Statistics.Record(roundTrip, context.Clock.GetUtcNow(), health.RootElement.GetProperty("Now").GetDateTimeOffset());
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or OperationCanceledException
            or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            Statistics.RecordFailure(PeerContext.Reason(e));
        }
    }

    /// <summary>Tells what there is to tell; true if the member is healthy.</summary>
    private bool Report()
    {
        string? error = Statistics.Error;
        TimeSpan roundTrip = Statistics.RoundTrip;
        if (error is not null)
        {
            PeerLog.Unhealthy(context.Log, RoundTripperName, link.Member.ToString(), roundTrip.ToString(), error);
        }

        if (Statistics.ClockDifference.Duration() > ProbeStatistics.ClockDifferenceMax)
        {
            PeerLog.ClockDrift(context.Log, RoundTripperName, link.Member.ToString(), Statistics.ClockDifference.ToString(), roundTrip.ToString());
        }

        link.Counters.RoundTrip.Observe(roundTrip);
        return error is null;
    }
}
