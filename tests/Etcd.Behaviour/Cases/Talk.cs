using Etcd.Behaviour.Asking;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Metadata = Grpc.Core.Metadata;

namespace Etcd.Behaviour.Cases;

/// <summary>One run of a case: asks, and writes down what was asked and what was answered.</summary>
internal sealed class Talk(Session session)
{
    private readonly List<string> _lines = [];
    private int _streams;

    /// <summary>What was said so far.</summary>
    public IReadOnlyList<string> Lines => _lines;

    public Session Session => session;

    /// <summary>Asks one after the other.</summary>
    public async Task AskAsync(params IEnumerable<IMessage> requests)
    {
        foreach (IMessage request in requests)
        {
            await AskOneAsync(request);
        }
    }

    /// <summary>Asks.</summary>
    /// <returns>The response; null if it was an error.</returns>
    public async Task<IMessage?> AskOneAsync(IMessage request, KnownDifference? difference = null)
    {
        Reply reply = await session.AskAsync(request);
        _lines.Add($"{request.Descriptor.Name.Replace("Request", "", StringComparison.Ordinal)} {Text.Line(request)}");
        _lines.AddRange(reply.Lines().Select(line => "    " + Lift(difference, line)));
        return reply.Response;
    }

    /// <summary>Writes down what the caller has seen.</summary>
    public void Note(string line, KnownDifference? difference = null) => _lines.Add(Lift(difference, line));

    /// <summary>Opens a watch stream.</summary>
    public Watching Watch(Metadata? headers = null) => new(this, session.OpenLine(headers), $"stream {++_streams}");

    private string Lift(KnownDifference? difference, string line) =>
        difference is null || !session.IsReference ? line : KnownDifferences.Lift(difference, line, session.Differences);
}

/// <summary>A watch stream of a <see cref="Talk"/>.</summary>
internal sealed class Watching(Talk talk, WatchLine line, string name)
{
    /// <summary>Asks for a watch, and hears what comes of it.</summary>
    public async Task CreateAsync(WatchCreateRequest request)
    {
        await line.CreateAsync(request);
        WatchResponse created = await line.NextAsync();
        Assert.True(created.Created, $"a create request is answered before anything else: {created}");
        Say($"WatchCreate {Text.Line(request)}");
        Hear(line.IsReference ? KnownDifferences.Lift(request, created, talk.Session.Differences) : created);
    }

    /// <summary>Asks for a watch that ends the stream, perhaps before all of the request is sent.</summary>
    public async Task CreateUnheardAsync(WatchCreateRequest request)
    {
        Say($"WatchCreate {Text.Line(request)}");
        try
        {
            await line.CreateAsync(request);
        }
        catch (RpcException)
        {
            // How it ended is heard.
        }
    }

    /// <summary>Ends a watch, and hears that.</summary>
    public async Task CancelAsync(long id)
    {
        await CancelUnheardAsync(id);
        await ControlAsync();
    }

    /// <summary>Ends a watch of which nothing is to be heard.</summary>
    public async Task CancelUnheardAsync(long id)
    {
        await line.CancelAsync(id);
        Say($"WatchCancel {id}");
    }

    /// <summary>Asks how far the stream is, and hears it.</summary>
    public async Task ProgressAsync()
    {
        await line.AskProgressAsync();
        Say("WatchProgress");
        await ControlAsync();
    }

    /// <summary>Asks how far the stream is, which may not be answered.</summary>
    public Task ProgressUnheardAsync() => line.AskProgressAsync();

    public Task SendNothingAsync() => line.SendNothingAsync();

    public Task FallSilentAsync() => line.FallSilentAsync();

    /// <summary>Hears one response without events.</summary>
    public async Task ControlAsync()
    {
        WatchResponse response = await line.NextAsync();
        Assert.Empty(response.Events);
        Hear(response);
    }

    /// <summary>
    /// Hears that many events. Where one response ends and the next begins, and which of several watches is told first, is the
    /// server's business.
    /// </summary>
    public async Task EventsAsync(int count)
    {
        var heard = new List<(long Watch, string Line)>();
        while (heard.Count < count)
        {
            WatchResponse response = await line.NextAsync();
            Assert.NotEmpty(response.Events);
            heard.AddRange(response.Events.Select(e => (response.WatchId, $"    {name} watch {response.WatchId} event {Text.Line(e)}")));
        }

        foreach ((_, string text) in heard.OrderBy(h => h.Watch))
        {
            talk.Note(text);
        }
    }

    /// <summary>Hears that many events, each of another key.</summary>
    /// <returns>The keys.</returns>
    public async Task<HashSet<string>> KeysOfEventsAsync(int count)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (keys.Count < count)
        {
            WatchResponse response = await line.NextAsync();
            Assert.NotEmpty(response.Events);
            foreach (Protocol.Mvccpb.Event e in response.Events)
            {
                Assert.True(keys.Add(e.Kv.Key.ToStringUtf8()), $"a second event: {e}");
            }
        }

        return keys;
    }

    /// <summary>Hears the parts of one response.</summary>
    public async Task FragmentsAsync()
    {
        WatchResponse response;
        do
        {
            response = await line.NextAsync();
            string keys = string.Join(", ", response.Events.Select(e => e.Kv.Key.ToStringUtf8()));
            talk.Note($"    {name} watch {response.WatchId} {(response.Fragment ? "a part" : "the last part")}: {keys}");
        }
        while (response.Fragment);
    }

    /// <summary>Waits until the stream was told that it is at that revision, however often it is told of others before.</summary>
    public async Task ProgressUntilAsync(long revision)
    {
        WatchResponse response;
        do
        {
            response = await line.NextAsync();
            Assert.Empty(response.Events);
            Assert.False(response.Canceled || response.Created, response.ToString());
        }
        while (response.Header.Revision < revision);
        Hear(response);
    }

    /// <summary>
    /// Asks how far the stream is, which may not be answered, and for a watch after that: when that exists, the question is dealt
    /// with. Then hears an event, and tells how often progress was told before it, for which there is no order.
    /// </summary>
    public async Task ProgressOrNotAsync(WatchCreateRequest next, Func<Task> then, KnownDifference? difference = null)
    {
        await line.AskProgressAsync();
        await line.CreateAsync(next);
        (int told, WatchResponse created) = await PassProgressAsync(r => r.Created);
        Say($"WatchProgress, WatchCreate {Text.Line(next)}");
        Hear(created);
        await then();
        (int toldLater, WatchResponse response) = await PassProgressAsync(r => r.Events.Count > 0);
        talk.Note($"progress was told {told + toldLater} times", difference);
        talk.Note($"    {name} watch {response.WatchId} event {Text.Line(response.Events[0])}");
    }

    /// <summary>Hears how the stream ends.</summary>
    public async Task EndAsync()
    {
        try
        {
            WatchResponse response = await line.NextAsync();
            Assert.Fail($"the stream was to end: {response}");
        }
        catch (RpcException e)
        {
            talk.Note($"    {name} ended: {e.StatusCode}: {e.Status.Detail}");
        }
    }

    private async Task<(int Passed, WatchResponse Response)> PassProgressAsync(Func<WatchResponse, bool> isIt)
    {
        int passed = 0;
        WatchResponse response;
        while (!isIt(response = await line.NextAsync()))
        {
            Assert.True(response.WatchId == -1 && !response.Canceled && response.Events.Count == 0, "only progress comes in between");
            passed++;
        }

        return (passed, response);
    }

    private void Say(string text) => talk.Note($"{name} {text}");

    private void Hear(WatchResponse response) => talk.Note($"    {name} {Text.Line(response)}");
}
