using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>One run of a scenario against one fresh member, or cluster: what it knows of it so far and what it got.</summary>
internal sealed class Session(Target target) : IDisposable
{
    private readonly List<Answer> _answers = [];
    private readonly Dictionary<string, (string Text, string Shown)> _names = [];
    private GrpcChannel? _channel;

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Target Target { get; } = target;

    /// <summary>A channel to the member for what etcdctl cannot ask.</summary>
    public GrpcChannel Channel => _channel ??= GrpcChannel.ForAddress(Target.ClientUrl);

    public IReadOnlyList<Answer> Answers => _answers;

    /// <summary>Keeps an answer; what was named is shown by its name. Lines that come in no order are sorted.</summary>
    public void Add(string step, IEnumerable<string> lines, bool sorted = false)
    {
        lines = lines.Select(Hide);
        _answers.Add(new Answer(step, [.. sorted ? lines.Order(StringComparer.Ordinal) : lines]));
    }

    /// <summary>Names a value that differs from run to run: <c>$name</c> in later commands means it, and answers show it as given.</summary>
    public void Name(string name, string text, string shown) => _names[name] = (text, shown);

    /// <summary>Puts the values in the place of their names.</summary>
    public string Resolve(string text)
    {
        foreach ((string name, (string value, _)) in _names)
        {
            text = text.Replace("$" + name, value, StringComparison.Ordinal);
        }

        return text;
    }

    public void Dispose() => _channel?.Dispose();

    private string Hide(string line)
    {
        foreach ((string value, string shown) in _names.Values)
        {
            line = line.Replace(value, shown, StringComparison.Ordinal);
        }

        return line;
    }
}
