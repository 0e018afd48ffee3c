using System.Globalization;
using System.Text;
using Etcd.Server.Raft;

namespace Etcd.Simulation.Network;

/// <summary>Messages as a trace shows them.</summary>
internal static class MessageText
{
    public static string Of(in Message message)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{message.Type} to {message.To} term {message.Term.Value} log {message.LogTerm.Value}/{message.Index.Value}");
        if (!message.Entries.IsEmpty)
        {
            ReadOnlySpan<Entry> entries = message.Entries.Span;
            text.Append(CultureInfo.InvariantCulture, $" entries {entries[0].Index.Value}..{entries[^1].Index.Value} (term {entries[^1].Term.Value})");
        }

        text.Append(CultureInfo.InvariantCulture, $" commit {message.Commit.Value}");
        if (message.Reject)
        {
            text.Append(CultureInfo.InvariantCulture, $" reject hint {message.RejectHint.Value}");
        }

        if (message.Snapshot is { } snapshot)
        {
            text.Append(CultureInfo.InvariantCulture, $" snapshot {snapshot.Term.Value}/{snapshot.Index.Value}");
        }

        return text.ToString();
    }
}
