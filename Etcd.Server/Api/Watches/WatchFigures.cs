using Etcd.Server.Api.Metrics;
using Etcd.Server.Watch;

namespace Etcd.Server.Api.Watches;

/// <summary>Counts what watch calls receive and send. Any thread.</summary>
/// <param name="grpc">Where.</param>
internal sealed class WatchFigures(GrpcFigures grpc)
{
    private MethodFigures? _method;

    // Known from when the method is bound, which is before it is called.
    private MethodFigures? Method => _method ??= grpc.Of("/etcdserverpb.Watch/Watch");

    /// <summary>A request came in.</summary>
    /// <param name="bytes">Its size.</param>
    public void CountReceived(long bytes)
    {
        grpc.ReceivedBytes.Add(bytes);
        Method?.CountReceived();
    }

    /// <summary>Responses go out.</summary>
    /// <param name="messages">How many.</param>
    /// <param name="bytes">Their size.</param>
    public void CountMessages(int messages, long bytes)
    {
        grpc.SentBytes.Add(bytes);
        Method?.CountSent(messages);
    }

    /// <summary>Responses were sent together.</summary>
    /// <param name="shares">The responses.</param>
    /// <param name="took">How long all of them took.</param>
    public void CountSends(List<WatchShare> shares, TimeSpan took)
    {
        int messages = 0;
        foreach (WatchShare share in shares)
        {
            messages += share.Count;
        }

        TimeSpan each = took / messages;
        foreach (WatchShare share in shares)
        {
            if (share.EventsEach > 0)
            {
                CountEvents(share.Count, share.EventsEach, each);
            }
            else
            {
                CountSend(share.Single!, each);
            }
        }
    }

    /// <summary>A response was sent.</summary>
    /// <param name="batch">The response.</param>
    /// <param name="took">How long that took.</param>
    public void CountSend(WatchBatch batch, TimeSpan took)
    {
        if (batch.EventCount > 0)
        {
            CountEvents(1, batch.EventCount, took);
        }
        else if (batch.Created || batch.Canceled)
        {
            grpc.WatchControlSends.Observe(took);
        }
        else
        {
            grpc.WatchProgressSends.Observe(took);
        }
    }

    private void CountEvents(int responses, int eventsEach, TimeSpan took)
    {
        grpc.WatchSends.Observe(took, responses);
        grpc.WatchSendsPerEvent.Observe(took / eventsEach, responses);
    }
}
