using System.Text;
using Etcd.Bench.Http2;
using Etcd.Bench.Http2.Hpack;

namespace Etcd.Bench.Tests;

/// <summary>
/// Goal: header blocks are decoded as RFC 7541 says. Method: the examples of its appendix C, each sequence through one
/// decoder because the dynamic table carries over, and blocks that must be refused.
/// </summary>
public sealed class HpackDecoderTests
{
    private const string Date1 = "Mon, 21 Oct 2013 20:13:21 GMT";
    private const string Date2 = "Mon, 21 Oct 2013 20:13:22 GMT";
    private const string Location = "location: https://www.example.com";
    private const string Cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

    private static readonly string[][] Requests =
    [
        [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
        [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
        [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
    ];

    private static readonly string[][] Responses =
    [
        [":status: 302", "cache-control: private", $"date: {Date1}", Location],
        [":status: 307", "cache-control: private", $"date: {Date1}", Location],
        [":status: 200", "cache-control: private", $"date: {Date2}", Location, "content-encoding: gzip", Cookie],
    ];

    [Theory]
    [InlineData("400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header", 55)]
    [InlineData("040c2f73616d706c652f70617468", ":path: /sample/path", 0)]
    [InlineData("100870617373776f726406736563726574", "password: secret", 0)]
    [InlineData("82", ":method: GET", 0)]
    public void A_single_field_of_each_kind(string block, string field, int tableSize)
    {
        var decoder = new HpackDecoder();

        Assert.Equal([field], Decode(decoder, block));
        Assert.Equal(tableSize, decoder.DynamicTableSize);
    }

    [Theory]
    [InlineData(
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565")]
    [InlineData(
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")]
    public void Requests_with_and_without_Huffman_code(string first, string second, string third) =>
        AssertSequence(new HpackDecoder(), Requests, [57, 110, 164], first, second, third);

    [Theory]
    [InlineData(
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31")]
    [InlineData(
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007")]
    public void Responses_that_evict_from_a_table_of_256_bytes(string first, string second, string third) =>
        AssertSequence(new HpackDecoder(256), Responses, [222, 222, 215], first, second, third);

    [Theory]
    [InlineData("80", "index 0")]
    [InlineData("be", "index 62")]
    [InlineData("8220", "table size update")]
    [InlineData("3fe21f", "beyond the agreed")]
    [InlineData("40ff", "inside an integer")]
    [InlineData("ffffffffffff", "too large")]
    [InlineData("0005616263", "inside a string")]
    [InlineData("000161" + "84ffffffff", "end-of-string")]
    [InlineData("000161" + "8118", "padded")]
    [InlineData("000161" + "82f8ff", "padded")]
    public void A_broken_block_is_refused(string block, string reason)
    {
        var exception = Assert.Throws<Http2ProtocolException>(() => Decode(new HpackDecoder(), block));

        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_request_blocks_say_the_same_with_and_without_the_table()
    {
        var headers = new RequestHeaders("127.0.0.1:2379", "/etcdserverpb.KV/Put");
        string[] expected =
        [
            ":method: POST", ":scheme: http", ":path: /etcdserverpb.KV/Put", ":authority: 127.0.0.1:2379",
            "content-type: application/grpc", "te: trailers", "user-agent: etcd-bench/1.0",
        ];
        var withTable = new HpackDecoder();
        var withoutTable = new HpackDecoder(0);

        Assert.Equal(expected, Decode(withTable, headers.First));
        Assert.Equal(headers.TableSizeMin, withTable.DynamicTableSize);
        Assert.Equal(expected, Decode(withTable, headers.Each));
        Assert.Equal(expected, Decode(withTable, headers.Each));
        Assert.Equal(expected, Decode(withoutTable, headers.FirstWithoutTable));
        Assert.Equal(expected, Decode(withoutTable, headers.EachWithoutTable));
        Assert.Equal(7, headers.Each.Length);
    }

    private static void AssertSequence(HpackDecoder decoder, string[][] expected, int[] tableSizes, params string[] blocks)
    {
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.Equal(expected[i], Decode(decoder, blocks[i]));
            Assert.Equal(tableSizes[i], decoder.DynamicTableSize);
        }
    }

    private static List<string> Decode(HpackDecoder decoder, string block) => Decode(decoder, Convert.FromHexString(block));

    private static List<string> Decode(HpackDecoder decoder, byte[] block)
    {
        var sink = new FieldList();
        decoder.Decode(block, ref sink);
        return sink.Fields;
    }

    private sealed class FieldList : IHeaderSink
    {
        public List<string> Fields { get; } = [];

        public void OnHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
            Fields.Add($"{Encoding.ASCII.GetString(name)}: {Encoding.ASCII.GetString(value)}");
    }
}
