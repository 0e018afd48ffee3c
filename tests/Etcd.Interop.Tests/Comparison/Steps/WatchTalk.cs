using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>
/// A conversation over one watch stream. What the server says is kept as lines: control responses with all their fields,
/// events one by one, because where one response ends and the next begins is the server's business.
/// </summary>
/// <param name="Title">What is talked about.</param>
/// <param name="Talk">Talks; ends when it has heard what is to be compared.</param>
internal sealed record WatchTalk(string Title, Func<WatchTalk.Line, Task> Talk) : IStep
{
    public async Task RunAsync(Session session)
    {
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call =
            new Watch.WatchClient(session.Channel).Watch(cancellationToken: Session.Cancellation);
        var line = new Line(session, call);
        try
        {
            await Talk(line);
        }
        catch (TimeoutException)
        {
            line.Heard.Add("silence");
        }
        catch (RpcException e)
        {
            line.Heard.Add(Call.Error(e));
        }

        session.Add(Title, line.Heard);
    }

    /// <summary>One end of the conversation.</summary>
    internal sealed class Line(Session session, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call)
    {
        public List<string> Heard { get; } = [];

        public Task RunAsync(IStep step) => step.RunAsync(session);

        public Task PutAsync(string key, string value) =>
            new KV.KVClient(session.Channel).PutAsync(new PutRequest { Key = Utf8(key), Value = Utf8(value) }, cancellationToken: Session.Cancellation).ResponseAsync;

        public Task DeleteAsync(string key) =>
            new KV.KVClient(session.Channel).DeleteRangeAsync(new DeleteRangeRequest { Key = Utf8(key) }, cancellationToken: Session.Cancellation).ResponseAsync;

        /// <summary>Asks for a watch, and hears what comes of it.</summary>
        public async Task CreateAsync(WatchCreateRequest request)
        {
            await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = request }, Session.Cancellation);
            await ControlAsync();
        }

        /// <summary>Ends a watch, and hears that.</summary>
        public async Task CancelAsync(long id)
        {
            await CancelUnheardAsync(id);
            await ControlAsync();
        }

        /// <summary>Ends a watch.</summary>
        public Task CancelUnheardAsync(long id) =>
            call.RequestStream.WriteAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = id } }, Session.Cancellation);

        /// <summary>Asks how far the stream is, and hears it.</summary>
        public async Task ProgressAsync()
        {
            await call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, Session.Cancellation);
            await ControlAsync();
        }

        /// <summary>Sends a request that asks for nothing.</summary>
        public Task SendNothingAsync() => call.RequestStream.WriteAsync(new WatchRequest(), Session.Cancellation);

        /// <summary>Says that nothing more will be asked.</summary>
        public Task FallSilentAsync() => call.RequestStream.CompleteAsync();

        /// <summary>Hears one response that is no event.</summary>
        public async Task ControlAsync()
        {
            WatchResponse response = await NextAsync();
            Assert.Empty(response.Events);
            Heard.Add("response:");
            Heard.AddRange(Call.Fields(response));
        }

        /// <summary>Hears that many events.</summary>
        public async Task EventsAsync(int count)
        {
            for (int heard = 0; heard < count;)
            {
                WatchResponse response = await NextAsync();
                Assert.NotEmpty(response.Events);
                Assert.True(response.Header.Revision >= response.Events.Max(e => e.Kv.ModRevision));
                Heard.AddRange(response.Events.Select(e => Describe(response.WatchId, e)));
                heard += response.Events.Count;
            }
        }

        /// <summary>
        /// Asks how far the stream is, which may or may not be answered, and for a watch after that. When that exists the first
        /// question is dealt with. Then hears that it exists and, after the steps, an event; tells how often progress was told,
        /// for which there is no order.
        /// </summary>
        public async Task ProgressOrNotAsync(WatchCreateRequest next, Func<Task> then)
        {
            await call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, Session.Cancellation);
            await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = next }, Session.Cancellation);
            int progress = 0;
            progress += await PassProgressAsync(r => r.Created);
            await then();
            progress += await PassProgressAsync(r => r.Events.Count > 0);
            Heard.Add($"progress was told {progress} times");
        }

        /// <summary>Hears the parts in which a large batch of events comes.</summary>
        public async Task FragmentsAsync()
        {
            WatchResponse response;
            do
            {
                response = await NextAsync();
                Heard.Add($"watch {response.WatchId}: fragment {response.Fragment}, revision {response.Header.Revision}: {string.Join(", ", response.Events.Select(e => e.Kv.Key.ToStringUtf8()))}");
            }
            while (response.Fragment);
        }

        private async Task<int> PassProgressAsync(Func<WatchResponse, bool> isIt)
        {
            int passed = 0;
            WatchResponse response;
            while (!isIt(response = await NextAsync()))
            {
                passed++;
                Assert.True(response.WatchId == -1 && response.Events.Count == 0 && !response.Canceled, response.ToString());
            }

            Heard.Add($"watch {response.WatchId}: {string.Join(", ", response.Events.Select(e => e.Kv.ModRevision))}");
            return passed;
        }

        private async Task<WatchResponse> NextAsync()
        {
            Assert.True(await HearAsync(), "the server ended the stream");
            return call.ResponseStream.Current;
        }

        private Task<bool> HearAsync() =>
            call.ResponseStream.MoveNext(Session.Cancellation).WaitAsync(CapturedProcess.Patience, Session.Cancellation);

        private static string Describe(long watch, Event change) =>
            $"watch {watch}: {JsonFormatter.Default.Format(change)}";

        private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
    }
}
