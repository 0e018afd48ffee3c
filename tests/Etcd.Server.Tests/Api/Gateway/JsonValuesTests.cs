using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Etcd.Server.Api.Gateway;

namespace Etcd.Server.Tests.Api.Gateway;

/// <summary>Goal: a body's JSON values are told apart however they come in. Method: the same bytes whole and byte by byte.</summary>
public sealed class JsonValuesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string[]> Bodies => new()
    {
        { "", [] },
        { " \n\t ", [] },
        { "{}", ["{}"] },
        { """{"a":"}\"{"}{"b":[1,{"c":2}]}""", ["""{"a":"}\"{"}""", """{"b":[1,{"c":2}]}"""] },
        { "{}\n{}\n", ["{}", "{}"] },
        { """ {"a":"\\"} [] "x" 17 true""", ["""{"a":"\\"}""", "[]", "\"x\"", "17", "true"] },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task ValuesComeOneByOne(string body, string[] values)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        foreach (int piece in new[] { 1, 3, 1000 })
        {
            var pipe = new Pipe();
            var reader = new JsonValues(pipe.Reader, 1000);
            Task writing = WriteAsync(pipe.Writer, bytes, piece);
            foreach (string value in values)
            {
                using JsonDocument? json = await reader.NextAsync(Cancel);
                Assert.Equal(value, json!.RootElement.GetRawText());
            }

            Assert.Null(await reader.NextAsync(Cancel));
            await writing;
        }
    }

    [Fact]
    public async Task AValueOutlivesTheBuffersThatItCameIn()
    {
        using var pool = new OverwritingPool();
        var pipe = new Pipe(new PipeOptions(pool));
        await pipe.Writer.WriteAsync("{\"a\":\"text\"}"u8.ToArray(), Cancel);
        using JsonDocument? json = await new JsonValues(pipe.Reader, 1000).NextAsync(Cancel);
        Assert.True(pool.Returned);
        Assert.Equal("text", json!.RootElement.GetProperty("a").GetString());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"a":"x""")]
    [InlineData("}")]
    [InlineData("nul")]
    [InlineData("{a:1}")]
    [InlineData("[}")]
    public async Task WhatIsNoJsonIsRefused(string body)
    {
        var pipe = new Pipe();
        Task writing = WriteAsync(pipe.Writer, Encoding.UTF8.GetBytes(body), 1);
        await Assert.ThrowsAsync<FormatException>(() => new JsonValues(pipe.Reader, 1000).NextAsync(Cancel).AsTask());
        await writing;
    }

    [Theory]
    [InlineData(10)]
    [InlineData(1000)]
    public async Task AValueThatIsTooLargeIsRefusedBeforeItIsThere(int piece)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes("{\"a\":\"" + new string('x', piece * 20)), Cancel);
        await Assert.ThrowsAsync<ValueTooLargeException>(() => new JsonValues(pipe.Reader, 100).NextAsync(Cancel).AsTask());
    }

    [Fact]
    public async Task DeepNestingIsRefusedAndEndsNothingElse()
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(new string('[', 100_000) + new string(']', 100_000)), Cancel);
        await Assert.ThrowsAsync<FormatException>(() => new JsonValues(pipe.Reader, 1_000_000).NextAsync(Cancel).AsTask());
    }

    private static async Task WriteAsync(PipeWriter writer, byte[] bytes, int piece)
    {
        for (int at = 0; at < bytes.Length; at += piece)
        {
            await writer.WriteAsync(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)), Cancel);
        }

        await writer.CompleteAsync();
    }

    /// <summary>Gives what comes back to nobody, and spoils it as its next owner would.</summary>
    private sealed class OverwritingPool : MemoryPool<byte>
    {
        public bool Returned { get; private set; }

        public override int MaxBufferSize => 4096;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Block(this);

        protected override void Dispose(bool disposing)
        {
        }

        private sealed class Block(OverwritingPool pool) : IMemoryOwner<byte>
        {
            public Memory<byte> Memory { get; } = new byte[4096];

            public void Dispose()
            {
                Memory.Span.Fill((byte)'x');
                pool.Returned = true;
            }
        }
    }
}
