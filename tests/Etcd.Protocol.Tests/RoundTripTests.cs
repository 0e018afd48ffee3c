using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Health;
using Etcd.Protocol.Mvccpb;
using Google.Protobuf;

namespace Etcd.Protocol.Tests;

/// <summary>What is encoded comes back; and a few encodings are held byte by byte, as etcd writes them.</summary>
public sealed class RoundTripTests
{
    [Fact]
    public void Every_message_comes_back_as_it_was()
    {
        var seed = Seeds.Next();
        var random = new RandomMessages(seed);
        foreach (var descriptor in ProtocolFiles.Messages())
        {
            for (var i = 0; i < 20; i++)
            {
                var message = random.Next(descriptor);
                Assert.True(message.Equals(descriptor.Parser.ParseFrom(message.ToByteArray())), $"{descriptor.FullName}, seed {seed}");
            }
        }
    }

    [Fact]
    public void The_map_of_health_states_comes_back()
    {
        var states = new HealthListResponse
        {
            Statuses = { ["etcdserverpb.KV"] = new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving } },
        };
        Assert.Equal(states, HealthListResponse.Parser.ParseFrom(states.ToByteArray()));
    }

    [Fact]
    public void A_replicated_put_has_its_header_at_the_end()
    {
        // 22: put (4); a2 06: header (100). ID (1) is for commands from before the header.
        var request = new InternalRaftRequest
        {
            Header = new RequestHeader { ID = 7 },
            Put = new PutRequest { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFromUtf8("v") },
        };
        Assert.Equal("22060A016B120176A206020807", Convert.ToHexString(request.ToByteArray()));
    }

    [Fact]
    public void Proto2_fields_that_are_set_are_written_even_when_zero()
    {
        var state = new Raftpb.HardState { Term = 0, Vote = 0, Commit = 0 };
        Assert.Equal("080010001800", Convert.ToHexString(state.ToByteArray()));
        Assert.Empty(new Raftpb.HardState().ToByteArray());
    }

    [Fact]
    public void Voters_are_not_packed()
    {
        var state = new Raftpb.ConfState { Voters = { 1, 2 } };
        Assert.Equal("08010802", Convert.ToHexString(state.ToByteArray()));
    }

    [Fact]
    public void Negative_numbers_take_ten_bytes()
    {
        var answer = new LeaseTimeToLiveResponse { TTL = -1 };
        Assert.Equal("18FFFFFFFFFFFFFFFFFF01", Convert.ToHexString(answer.ToByteArray()));
    }

    [Fact]
    public void Fields_of_a_newer_etcd_survive()
    {
        byte[] bytes = [0x0a, 0x01, 0x6b, 0xfa, 0x3f, 0x01, 0x01];
        Assert.Equal(bytes, KeyValue.Parser.ParseFrom(bytes).ToByteArray());
    }
}
