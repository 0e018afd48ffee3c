using System.Reflection;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Architecture;

/// <summary>
/// Holds the arrows of docs/ARCHITECTURE.md over the compiled server: which room may know which, and what the pure rooms
/// may not touch. A room is the namespace below Etcd.Server.
/// </summary>
public sealed class RoomTests
{
    private static readonly Assembly Server = typeof(Revision).Assembly;

    /// <summary>What each room may mention besides itself and Primitives.</summary>
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["Primitives"] = [],
        ["Raft"] = [],
        ["Io"] = [],
        ["Bolt"] = ["Io"],
        ["Wal"] = ["Io", "Raft"],
        ["Storage"] = ["Io"],
        ["Watch"] = ["Storage", "Io"],
        ["Lease"] = ["Storage", "Io"],
        ["Membership"] = ["Storage", "Io"],
        ["Auth"] = [],
        ["Apply"] = ["Bolt", "Storage", "Watch", "Lease", "Membership", "Auth", "Raft", "Io"],
        ["Peer"] = ["Raft", "Membership", "Io"],
        ["Snapshots"] = ["Io", "Raft"],
        ["Node"] = ["Raft", "Wal", "Snapshots", "Apply", "Peer", "Storage", "Watch", "Lease", "Membership", "Auth", "Io"],
        ["Api"] = ["Bolt", "Node", "Peer", "Raft", "Wal", "Snapshots", "Apply", "Storage", "Watch", "Lease", "Membership", "Auth", "Io"],
        ["Diagnostics"] = ["Bolt", "Api", "Node", "Peer", "Raft", "Wal", "Snapshots", "Apply", "Storage", "Watch", "Lease", "Membership", "Auth", "Io"],
        ["Hosting"] = ["Bolt", "Diagnostics", "Api", "Node", "Peer", "Raft", "Wal", "Snapshots", "Apply", "Storage", "Watch", "Lease", "Membership", "Auth", "Io"],
    };

    /// <summary>Rooms that may use protobuf messages; the others see values, bytes, the error table and the wire helpers.</summary>
    private static readonly string[] MayUseMessages = ["Wal", "Snapshots", "Auth", "Apply", "Peer", "Api", "Hosting"];

    /// <summary>The pure state machine: what it may not mention at all.</summary>
    private static readonly string[] ForbiddenInRaft =
    [
        "System.Threading", "System.IO", "System.Net", "System.Diagnostics.Stopwatch", "System.TimeProvider", "System.DateTime",
        "System.DateTimeOffset", "Microsoft.Extensions", "Google.Protobuf", "Etcd.Protocol", "System.Random",
    ];

    public static TheoryData<string> Rooms => [.. RoomsInAssembly()];

    [Fact]
    public void EveryRoomHasItsArrowsWrittenDown() =>
        Assert.Empty(RoomsInAssembly().Except(Arrows.Keys));

    [Theory]
    [MemberData(nameof(Rooms))]
    public void ARoomKnowsOnlyTheRoomsBelowIt(string room)
    {
        HashSet<string> allowed = [room, "Primitives", .. Arrows[room]];
        Assert.Empty(References(room)
            .Where(r => RoomOf(r.To) is { } other && !allowed.Contains(other))
            .Select(r => $"{r.From} mentions {r.To}"));
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void OnlyTheRoomsAtTheBorderKnowProtobufMessages(string room)
    {
        if (MayUseMessages.Contains(room))
        {
            Assert.Contains(room, Arrows.Keys);
            return;
        }

        string[] open = ["Etcd.Protocol.Errors", "Etcd.Protocol.Wire"];
        Assert.Empty(References(room)
            .Where(r => r.To.Namespace is { } space && !open.Contains(space)
                && (space.StartsWith("Etcd.Protocol", StringComparison.Ordinal) || space.StartsWith("Google.Protobuf", StringComparison.Ordinal)))
            .Select(r => $"{r.From} mentions {r.To}"));
    }

    [Fact]
    public void RaftTouchesNoTaskClockDiskOrMessage() =>
        Assert.Empty(References("Raft")
            .Where(r => ForbiddenInRaft.Any(f => (r.To.FullName ?? "").StartsWith(f, StringComparison.Ordinal)))
            .Select(r => $"{r.From} mentions {r.To}"));

    [Fact]
    public void TheScanSeesWhatMethodsDo()
    {
        // A scan that finds nothing would hold every rule: it must see a reference that only an instruction makes.
        HashSet<Type> found = TypeReferences.Of(typeof(Probe));
        Assert.Contains(typeof(System.Text.StringBuilder), found);
    }

    private static IEnumerable<(Type From, Type To)> References(string room) =>
        from type in Server.GetTypes()
        where RoomOf(type) == room
        from other in TypeReferences.Of(type)
        select (type, other);

    private static IEnumerable<string> RoomsInAssembly() =>
        Server.GetTypes().Select(RoomOf).OfType<string>().Distinct().Order(StringComparer.Ordinal);

    private static string? RoomOf(Type type)
    {
        const string prefix = "Etcd.Server.";
        return type.Assembly == Server && type.Namespace is { } space && space.StartsWith(prefix, StringComparison.Ordinal)
            ? space[prefix.Length..].Split('.')[0]
            : null;
    }

    private static class Probe
    {
        public static int Length() => new System.Text.StringBuilder("seen").Length;
    }
}
