using System.Text;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests.Interaction;

/// <summary>How things look in a trace.</summary>
internal static class Describe
{
    public static string Of(in Entry entry)
    {
        string text = Encoding.UTF8.GetString(entry.Data.Span);
        return entry.Type == EntryType.Normal
            ? $"{entry.Term}/{entry.Index} \"{text}\""
            : $"{entry.Term}/{entry.Index} {entry.Type} {text}";
    }

    public static string Of(ConfState configuration) =>
        $"voters=({string.Join(' ', configuration.Voters)})"
        + (configuration.Learners.Count > 0 ? $" learners=({string.Join(' ', configuration.Learners)})" : "");

    public static string Of(Snapshot snapshot) => $"{snapshot.Term}/{snapshot.Index} {Of(snapshot.Configuration)}";

    public static string Of(HardState state) =>
        $"Term:{state.Term}{(state.Vote.IsNone ? "" : $" Vote:{state.Vote}")} Commit:{state.Commit}";

    public static string Of(Message message)
    {
        var text = new StringBuilder($"{message.From}->{message.To} {message.Type}");
        if (message.Term != default)
        {
            text.Append($" Term:{message.Term}");
        }

        if (message.Type is MessageType.App or MessageType.AppResp or MessageType.Vote or MessageType.PreVote)
        {
            text.Append($" Log:{message.LogTerm}/{message.Index}");
        }

        if (message.Type is MessageType.ReadIndexResp)
        {
            text.Append($" Index:{message.Index}");
        }

        if (message.Reject)
        {
            text.Append(message.Type == MessageType.AppResp ? $" Rejected Hint:{message.RejectHint}" : " Rejected");
        }

        if (message.Type is MessageType.App or MessageType.Heartbeat)
        {
            text.Append($" Commit:{message.Commit}");
        }

        if (!message.Entries.IsEmpty)
        {
            text.Append($" Entries:[{string.Join(", ", message.Entries.ToArray().Select(e => message.Type == MessageType.Prop ? $"\"{Encoding.UTF8.GetString(e.Data.Span)}\"" : Of(e)))}]");
        }

        if (message.Snapshot is { } snapshot)
        {
            text.Append($" Snapshot:{Of(snapshot)}");
        }

        if (!message.Context.IsEmpty)
        {
            text.Append($" Context:{Context(message.Context.Span)}");
        }

        return text.ToString();
    }

    public static string Of(in MemberProgress progress) =>
        $"{progress.Member}: {progress.State} match={progress.Match} next={progress.Next}"
        + (progress.IsLearner ? " learner" : "") + (progress.RecentActive ? "" : " inactive");

    public static string Context(ReadOnlySpan<byte> context) =>
        context.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? "0x" + Convert.ToHexString(context) : Encoding.ASCII.GetString(context);
}
