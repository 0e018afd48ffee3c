namespace AppHost.Output;

/// <summary>Lays the members out as a table: one line each, columns as wide as their widest cell.</summary>
internal static class MemberTable
{
    private static readonly string[] s_headings = ["MEMBER", "CLIENT URL", "STATE", "LEADER"];

    public static IEnumerable<string> Format(IReadOnlyList<MemberStatus> members) =>
        TextTable.Format([s_headings, .. members.Select(m => new[] { m.Name, m.ClientUrl, m.State, Leader(m, members) })]);

    /// <summary>Whether the cluster works, and how many more members it can lose.</summary>
    public static string Summary(IReadOnlyList<MemberStatus> members, int quorum)
    {
        var healthy = members.Count(m => m.State == MemberStatus.Healthy);
        var spare = healthy - quorum;
        var meaning = spare < 0 ? $"that is no quorum, {quorum} are needed"
            : spare == 0 ? "none can be lost"
            : $"{spare} can be lost";
        return $"{healthy} of {members.Count} healthy: {meaning}. 'help' lists commands, Ctrl+C stops the cluster.";
    }

    /// <summary>The leader that a member knows, by name where it is one of the table.</summary>
    private static string Leader(MemberStatus member, IReadOnlyList<MemberStatus> members) => member.LeaderId switch
    {
        null => "?",
        0 => "none",
        var id => members.FirstOrDefault(m => m.Id == id)?.Name ?? $"{id:x}",
    };
}
