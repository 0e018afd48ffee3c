using System.Buffers;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Etcd.Server.Tests.Node;

/// <summary>What goes into the log is the message that etcd's own members would read there.</summary>
public sealed class RaftCommandTests
{
    [Fact]
    public void TheEntryIsAnInternalRaftRequestWithTheClientsBytesAndTheId()
    {
        var put = new PutRequest { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFrom(new byte[300]), PrevKv = true };
        RaftCommand command = RaftCommand.Create(RaftCommandKind.Put, new ReadOnlySequence<byte>(put.ToByteArray()));
        command.Seal(ulong.MaxValue);
        InternalRaftRequest read = InternalRaftRequest.Parser.ParseFrom(command.Data.Span);
        Assert.Equal(put, read.Put);
        Assert.Equal(ulong.MaxValue, read.Header.ID);
        Assert.Equal(put.ToByteArray(), command.Payload.ToArray());
    }

    [Theory]
    [InlineData(1UL)]
    [InlineData(127UL)]
    [InlineData(128UL)]
    [InlineData(0x8e9e_0000_0000_0001UL)]
    public void TheApplySideFindsIdAndCommand(ulong id)
    {
        foreach (RaftCommandKind kind in Enum.GetValues<RaftCommandKind>())
        {
            RaftCommand command = RaftCommand.Create(kind, [8, 1]);
            command.Seal(id);
            CommandReader read = CommandReader.Read(command.Data);
            Assert.Equal((id, (int)kind), (read.RequestId, read.Field));
            Assert.Equal([8, 1], read.Payload.ToArray());
        }
    }

    [Fact]
    public void AnEntryOfTheOriginalIsReadWhateverTheOrderOfItsFields()
    {
        var request = new InternalRaftRequest
        {
            Header = new RequestHeader { ID = 42, Username = "u", AuthRevision = 3 },
            LeaseGrant = new LeaseGrantRequest { TTL = 5, ID = 9 },
        };
        CommandReader read = CommandReader.Read(request.ToByteArray());
        Assert.Equal((42UL, 8), (read.RequestId, read.Field));
        Assert.Equal(request.LeaseGrant.ToByteArray(), read.Payload.ToArray());
    }

    [Fact]
    public void TheNumbersOfCommandsAreThoseOfTheMessage()
    {
        MessageDescriptor message = InternalRaftRequest.Descriptor;
        foreach (RaftCommandKind kind in Enum.GetValues<RaftCommandKind>())
        {
            FieldDescriptor field = message.FindFieldByNumber((int)kind);
            Assert.Equal(kind.ToString(), field.Name.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
        }

        foreach (System.Reflection.FieldInfo constant in typeof(CommandFields).GetFields())
        {
            Assert.Equal(constant.Name, ((RaftCommandKind)(int)constant.GetRawConstantValue()!).ToString());
        }
    }

    [Fact]
    public void ACommandIsSealedOnce()
    {
        RaftCommand command = RaftCommand.Create(RaftCommandKind.Put, []);
        Assert.Throws<InvariantException>(() => command.Data);
        command.Seal(1);
        Assert.Throws<InvariantException>(() => command.Seal(2));
    }

    [Fact]
    public void IdsCarryTheMemberAndNeverRepeat()
    {
        var ids = new RequestIds(new MemberId(0xABCD_1234), DateTimeOffset.UnixEpoch.AddDays(20000));
        HashSet<ulong> seen = [];
        for (int i = 0; i < 100_000; i++)
        {
            ulong id = ids.Next();
            Assert.Equal(0x1234UL, id >> 48);
            Assert.True(seen.Add(id));
        }

        Assert.True(ids.NextLease().Value > 0);
    }
}
