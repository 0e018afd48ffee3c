using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Tests.Peer;

/// <summary>Messages for tests, and what of them must arrive.</summary>
internal static class MessageSamples
{
    public static Message App(ulong from, ulong to, ulong term, ulong index, params Entry[] entries) => new()
    {
        Type = MessageType.App,
        From = new MemberId(from),
        To = new MemberId(to),
        Term = new Term(term),
        LogTerm = new Term(term),
        Index = new LogIndex(index),
        Entries = entries,
        Commit = new LogIndex(index),
    };

    public static Message Heartbeat(ulong from, ulong to, ulong commit) => new()
    {
        Type = MessageType.Heartbeat,
        From = new MemberId(from),
        To = new MemberId(to),
        Term = new Term(1),
        Commit = new LogIndex(commit),
    };

    public static Entry Entry(ulong term, ulong index, int bytes = 8)
    {
        var data = new byte[bytes];
        new Random((int)index).NextBytes(data);
        return new Entry(new Term(term), new LogIndex(index), EntryType.Normal, data);
    }

    public static Message Snap(ulong from, ulong to, ulong index) => new()
    {
        Type = MessageType.Snap,
        From = new MemberId(from),
        To = new MemberId(to),
        Term = new Term(2),
        Snapshot = new Snapshot(
            new LogIndex(index), new Term(2), new ConfState([new MemberId(from), new MemberId(to)], [new MemberId(9)]), new byte[] { 1, 2, 3 }),
    };

    /// <summary>Any message that a codec may meet.</summary>
    public static Message Random(Random random)
    {
        var type = (MessageType)random.Next(19);
        ulong index = Number(random) >> 8;
        return new Message
        {
            Type = type,
            From = new MemberId(Number(random)),
            To = new MemberId(Number(random)),
            Term = new Term(Number(random)),
            LogTerm = new Term(Number(random)),
            Index = new LogIndex(index),
            Entries = type is MessageType.App or MessageType.Prop
                ? Enumerable.Range(1, random.Next(5)).Select(i => RandomEntry(random, index + (ulong)i)).ToArray()
                : default(ReadOnlyMemory<Entry>),
            Commit = new LogIndex(Number(random)),
            Reject = random.Next(2) == 0,
            RejectHint = new LogIndex(Number(random)),
            Snapshot = type == MessageType.Snap ? Snap(Number(random), Number(random), Number(random)).Snapshot : null,
            Context = type is MessageType.Heartbeat or MessageType.Vote or MessageType.ReadIndex or MessageType.ReadIndexResp ? Bytes(random, 9) : default,
        };
    }

    /// <summary>One line that two messages share exactly if they mean the same.</summary>
    public static string Meaning(Message message) =>
        $"{message.Type} {message.From}>{message.To} t{message.Term} lt{message.LogTerm} i{message.Index} c{message.Commit} r{message.Reject} rh{message.RejectHint} "
        + $"ctx{Convert.ToHexString(message.Context.Span)} [{string.Join(' ', message.Entries.ToArray().Select(Meaning))}] {Meaning(message.Snapshot)}";

    private static string Meaning(Entry entry) => $"{entry.Type}/{entry.Term}/{entry.Index}/{Convert.ToHexString(entry.Data.Span)}";

    private static string Meaning(Snapshot? snapshot) => snapshot is null
        ? ""
        : $"snap {snapshot.Index} {snapshot.Term} {Convert.ToHexString(snapshot.Data.Span)} v{string.Join(',', snapshot.Configuration.Voters)} l{string.Join(',', snapshot.Configuration.Learners)}";

    private static Entry RandomEntry(Random random, ulong index) =>
        new(new Term(Number(random)), new LogIndex(index), (EntryType)random.Next(3), Bytes(random, random.Next(3) == 0 ? 0 : 300));

    private static byte[] Bytes(Random random, int most)
    {
        var bytes = new byte[random.Next(most + 1)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static ulong Number(Random random) => (ulong)random.NextInt64() >> random.Next(64);
}
