using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Comparison.Steps;

/// <summary>Several etcdctl commands that wait for each other.</summary>
/// <param name="Title">What it is about.</param>
/// <param name="Talk">Starts and ends them; adds what they said.</param>
internal sealed record CtlTalk(string Title, Func<CtlTalk.Hall, Task> Talk) : IStep
{
    public async Task RunAsync(Session session)
    {
        await using var hall = new Hall(session);
        await Talk(hall);
        session.Add(Title, hall.Heard);
    }

    /// <summary>The commands that run.</summary>
    internal sealed class Hall(Session session) : IAsyncDisposable
    {
        private readonly Dictionary<string, CapturedProcess> _speakers = [];

        public List<string> Heard { get; } = [];

        /// <summary>Starts a command at a member, and waits until it has printed that many lines.</summary>
        public async Task StartAsync(string speaker, int member, string line, int lines)
        {
            _speakers[speaker] = EtcdCtl.Start(session.Target.EndpointOf(member), CommandLine.Split(line));
            await ExpectAsync(speaker, lines);
        }

        /// <summary>Starts a command that reads from stdin, at the first member.</summary>
        public void StartReading(string speaker, string line) =>
            _speakers[speaker] = EtcdCtl.StartReading(session.Target.Endpoint, CommandLine.Split(line));

        /// <summary>Writes a line to a command's stdin.</summary>
        public void Say(string speaker, string line) => _speakers[speaker].Write(line + "\n");

        /// <summary>Ends a command's stdin, and hears all that it said.</summary>
        public Task FallSilentAsync(string speaker)
        {
            _speakers[speaker].EndInput();
            return EndAsync(speaker);
        }

        /// <summary>Starts a command at the first member, which says nothing for now.</summary>
        public void Start(string speaker, string line) =>
            _speakers[speaker] = EtcdCtl.Start(session.Target.Endpoint, CommandLine.Split(session.Resolve(line)));

        /// <summary>What <c>$name</c> means.</summary>
        public string Resolve(string text) => session.Resolve(text);

        /// <summary>The first member, as commands that copy take it.</summary>
        public string Endpoint => session.Target.Endpoint;

        /// <summary>Runs a command to its end.</summary>
        public Task RunAsync(string line) => EtcdCtl.RunAsync(session.Target.Endpoint, CommandLine.Split(line), Session.Cancellation);

        /// <summary>Waits until a command has printed that many lines in all.</summary>
        public async Task ExpectAsync(string speaker, int lines)
        {
            CapturedProcess process = _speakers[speaker];
            await process.WaitUntilAsync($"{lines} lines", () => new(process.StdoutLines.Count >= lines), Session.Cancellation);
        }

        /// <summary>Waits until so many keys have the prefix.</summary>
        public async Task KeysAsync(string prefix, int count)
        {
            CommandResult last = null!;
            CapturedProcess any = _speakers.Values.First(s => !s.HasExited);
            await any.WaitUntilAsync($"{count} keys", async () =>
            {
                last = await EtcdCtl.RunAsync(session.Target.Endpoint, ["get", prefix, "--prefix", "--keys-only"], Session.Cancellation);
                return last.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length == count;
            }, Session.Cancellation);
            Heard.AddRange(AnswerLines.Of(last, session.Target).Select(l => $"keys: {l}"));
        }

        /// <summary>Interrupts a command as Ctrl+C does, and hears the first lines that it said.</summary>
        public async Task InterruptAsync(string speaker, int lines)
        {
            _speakers[speaker].Send(Signal.Interrupt);
            await _speakers[speaker].WaitForExitAsync(Session.Cancellation);
            Heard.AddRange(AnswerLines.Of(speaker, _speakers[speaker].StdoutLines.Take(lines), session.Target));
        }

        /// <summary>Interrupts a command as Ctrl+C does, and hears all that it said.</summary>
        public Task InterruptAsync(string speaker)
        {
            _speakers[speaker].Send(Signal.Interrupt);
            return EndAsync(speaker);
        }

        /// <summary>Waits for the end of a command, and hears all that it said.</summary>
        public async Task EndAsync(string speaker)
        {
            CommandResult result = await _speakers[speaker].WaitForExitAsync(Session.Cancellation);
            Heard.AddRange(AnswerLines.Of(result, session.Target).Select(l => $"{speaker}: {l}"));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (CapturedProcess speaker in _speakers.Values)
            {
                await speaker.DisposeAsync();
            }
        }
    }
}
