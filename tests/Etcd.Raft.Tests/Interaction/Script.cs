namespace Etcd.Raft.Tests.Interaction;

/// <summary>
/// A golden script: commands, each followed by a line of four dashes and by what it prints up to the next empty line. Lines
/// that begin with # before a command are comments. The same text with fresh outputs is the rewritten file.
/// </summary>
internal sealed class Script
{
    private const string Separator = "----";

    private readonly List<(string Comment, string Command, string Expected)> _steps = [];

    public Script(string text)
    {
        string comment = "";
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length == 0 || lines[i][0] == '#')
            {
                comment += lines[i] + "\n";
                continue;
            }

            string command = lines[i++];
            if (i >= lines.Length || lines[i] != Separator)
            {
                throw new FormatException($"line {i + 1}: a line of four dashes must follow {command}");
            }

            string expected = "";
            while (++i < lines.Length && lines[i].Length > 0)
            {
                expected += lines[i] + "\n";
            }

            i--;
            _steps.Add((comment, command, expected));
            comment = "";
        }
    }

    /// <summary>Runs the commands and returns the script with what they printed.</summary>
    public string Run(Func<Command, string> execute)
    {
        string result = "";
        foreach ((string comment, string command, _) in _steps)
        {
            string output = execute(new Command(command)).TrimEnd('\n');
            result += $"{comment}{command}\n{Separator}\n{(output.Length == 0 ? "ok" : output)}\n";
        }

        return result;
    }
}

/// <summary>One command line: a name, words, and options as <c>name=value</c> or <c>name=(1,2)</c>.</summary>
internal sealed class Command
{
    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);

    public Command(string line)
    {
        string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Name = parts[0];
        foreach (string part in parts.Skip(1))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                Words.Add(part);
            }
            else
            {
                _options.Add(part[..equals], part[(equals + 1)..]);
            }
        }
    }

    public string Name { get; }

    public List<string> Words { get; } = [];

    public int Id(int at = 0) => int.Parse(Words[at], null);

    public IEnumerable<int> Ids => Words.Select(w => int.Parse(w, null));

    public int Number(string name, int fallback) => _options.TryGetValue(name, out string? text) ? int.Parse(text, null) : fallback;

    public bool Flag(string name, bool fallback = false) => _options.TryGetValue(name, out string? text) ? bool.Parse(text) : fallback;

    public string? Text(string name) => _options.GetValueOrDefault(name);

    public int[] Numbers(string name) =>
        _options.TryGetValue(name, out string? text)
            ? [.. text.Trim('(', ')').Split(',', StringSplitOptions.RemoveEmptyEntries).Select(n => int.Parse(n, null))]
            : [];
}
