using System.Text;
using System.Text.Json;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Health;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Api.Gateway;
using Google.Protobuf;

namespace Etcd.Server.Tests.Api.Gateway;

/// <summary>
/// Goal: messages are read from and written as the JSON of etcd's gateway. Method: examples of each kind of field; random messages
/// there and back, with Google's formatter as the other side.
/// </summary>
public sealed class ProtoJsonTests
{
    [Fact]
    public void AMessageIsWrittenWithTheProtoNamesAndWithoutBlanks()
    {
        var response = new RangeResponse
        {
            Header = new ResponseHeader { ClusterId = ulong.MaxValue, MemberId = 1, Revision = -2 },
            Kvs = { new KeyValue { Key = ByteString.CopyFrom(0xfb, 0xff), Value = ByteString.CopyFromUtf8("value>"), CreateRevision = 2 } },
            More = true,
        };
        Assert.Equal(
            """{"header":{"cluster_id":"18446744073709551615","member_id":"1","revision":"-2"},"kvs":[{"key":"+/8=","create_revision":"2","value":"dmFsdWU+"}],"more":true}""",
            Text(response));
    }

    [Fact]
    public void WhatIsSetIsWrittenAndWhatIsNotIsNot()
    {
        Assert.Equal("{}", Text(new RangeResponse()));
        Assert.Equal("""{"header":{}}""", Text(new RangeResponse { Header = new ResponseHeader() }));
        // A member of a union is there or not, whatever its value.
        Assert.Equal("""{"version":"0"}""", Text(new Compare { Version = 0 }));
        Assert.Equal("""{"response_put":{}}""", Text(new ResponseOp { ResponsePut = new PutResponse() }));
        Assert.Equal("""{"alarm":"NOSPACE"}""", Text(new AlarmMember { Alarm = AlarmType.Nospace }));
        Assert.Equal("""{"alarm":77}""", Text(new AlarmMember { Alarm = (AlarmType)77 }));
        Assert.Equal("""{"statuses":{"a":{"status":"SERVING"}}}""", Text(new HealthListResponse
        {
            Statuses = { ["a"] = new HealthCheckResponse { Status = HealthCheckResponse.Types.ServingStatus.Serving } },
        }));
    }

    [Theory]
    [InlineData("""{"key":"\ud800"}""")]
    [InlineData("""{"\ud800":1}""")]
    public void AStringThatIsNoTextIsRefused(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Throws<FormatException>(() => ProtoJsonReader.Read(document.RootElement, PutRequest.Descriptor));
    }

    [Theory]
    [InlineData("""{"sort_order":"DESCEND","sort_target":2,"limit":"7","min_mod_revision":8}""")]
    [InlineData("""{"sortOrder":"DESCEND","sortTarget":"CREATE","limit":7,"minModRevision":"8"}""")]
    [InlineData("""{"sort_order":"DESCEND","sort_target":"CREATE","limit":7.0,"min_mod_revision":"0.8e1","key":null,"no_such":{"a":[1]}}""")]
    public void NamesAndNumbersMayBeWrittenInAnyOfTheirWays(string json) =>
        Assert.Equal(
            new RangeRequest
            {
                SortOrder = RangeRequest.Types.SortOrder.Descend,
                SortTarget = RangeRequest.Types.SortTarget.Create,
                Limit = 7,
                MinModRevision = 8,
            },
            Read<RangeRequest>(json));

    [Theory]
    [InlineData("+/8=")]
    [InlineData("+/8")]
    [InlineData("-_8=")]
    [InlineData("-_8")]
    public void BytesAreOfEitherAlphabetWithPaddingAndWithout(string text) =>
        Assert.Equal(ByteString.CopyFrom(0xfb, 0xff), Read<PutRequest>($$"""{"key":"{{text}}"}""").Key);

    [Fact]
    public void AnEnumThatIsNotKnownIsPassedOverByNameAndKeptByNumber()
    {
        Assert.Equal(AlarmType.None, Read<AlarmRequest>("""{"alarm":"SOMETHING"}""").Alarm);
        Assert.Equal((AlarmType)9, Read<AlarmRequest>("""{"alarm":9}""").Alarm);
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData(""" "text" """)]
    [InlineData("""{"limit":"x"}""")]
    [InlineData("""{"limit":1.5}""")]
    [InlineData("""{"limit":"9223372036854775808"}""")]
    [InlineData("""{"limit":true}""")]
    [InlineData("""{"key":1}""")]
    [InlineData("""{"key":"*"}""")]
    [InlineData("""{"serializable":"true"}""")]
    [InlineData("""{"sort_order":true}""")]
    [InlineData("""{"limit":1,"limit":2}""")]
    public void WhatIsNoSuchMessageIsRefused(string json) => Assert.Throws<FormatException>(() => Read<RangeRequest>(json));

    [Fact]
    public void OnlyOneOfAUnionMayBeGiven() =>
        Assert.Throws<FormatException>(() => Read<WatchRequest>("""{"create_request":{},"cancel_request":{}}"""));

    [Fact]
    public void WhatIsWrittenIsReadAndGooglesParserReadsItToo()
    {
        var txn = new TxnRequest
        {
            Compare = { new Compare { Key = ByteString.CopyFromUtf8("k"), Target = Compare.Types.CompareTarget.Value, Value = ByteString.Empty } },
            Success =
            {
                new RequestOp
                {
                    RequestTxn = new TxnRequest { Failure = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { PrevKv = true } } } },
                },
            },
        };
        string json = Text(txn);
        Assert.Equal(txn, Read<TxnRequest>(json));
        Assert.Equal(txn, JsonParser.Default.Parse<TxnRequest>(json));
        Assert.Equal(txn, Read<TxnRequest>(JsonFormatter.Default.Format(txn)));
    }

    private static string Text(IMessage message) => Encoding.UTF8.GetString(GatewayJson.Of(message).Span);

    private static T Read<T>(string json)
        where T : IMessage<T>, new()
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return (T)ProtoJsonReader.Read(document.RootElement, new T().Descriptor);
    }
}
