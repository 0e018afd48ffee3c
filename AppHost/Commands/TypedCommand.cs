using Aspire.Hosting.ApplicationModel;

namespace AppHost.Commands;

/// <summary>A line that a person types while the cluster runs: what it asks for, or what is wrong with it.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Member">To which member; null where that is no question.</param>
/// <param name="Problem">What is wrong; null for a command.</param>
internal sealed record TypedCommand(TypedCommandKind Kind, string? Member, string? Problem)
{
    public const string Usage = "stop NAME, start NAME, restart NAME, status, help; Ctrl+C stops the cluster.";

    /// <summary>Reads a line. A member may be given by its number alone.</summary>
    public static TypedCommand Parse(string line, IReadOnlyList<string> members)
    {
        var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            [] => new(TypedCommandKind.None, null, null),
            ["help" or "?"] => new(TypedCommandKind.Help, null, null),
            ["status"] => new(TypedCommandKind.Status, null, null),
            ["stop", var name] => OfMember(TypedCommandKind.Stop, name, members),
            ["start", var name] => OfMember(TypedCommandKind.Start, name, members),
            ["restart", var name] => OfMember(TypedCommandKind.Restart, name, members),
            ["stop" or "start" or "restart", ..] => Wrong($"'{words[0]}' takes the name of one member: {string.Join(", ", members)}."),
            _ => Wrong($"'{line.Trim()}' is no command. There are: {Usage}"),
        };
    }

    /// <summary>The resource's command that does it, where one does.</summary>
    public string? ResourceCommand => Kind switch
    {
        TypedCommandKind.Stop => KnownResourceCommands.StopCommand,
        TypedCommandKind.Start => KnownResourceCommands.StartCommand,
        TypedCommandKind.Restart => KnownResourceCommands.RestartCommand,
        _ => null,
    };

    private static TypedCommand OfMember(TypedCommandKind kind, string name, IReadOnlyList<string> members)
    {
        var found = members.FirstOrDefault(m => m == name || m.EndsWith("-" + name, StringComparison.Ordinal));
        return found is not null ? new(kind, found, null) : Wrong($"There is no member '{name}'; there are: {string.Join(", ", members)}.");
    }

    private static TypedCommand Wrong(string problem) => new(TypedCommandKind.None, null, problem);
}

/// <summary>What a typed line asks for.</summary>
internal enum TypedCommandKind
{
    None,
    Help,
    Status,
    Stop,
    Start,
    Restart,
}
