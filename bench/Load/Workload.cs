using System.Buffers.Binary;

namespace Etcd.Bench.Load;

/// <summary>
/// What a client asks for. The requests of one workload differ only in the digits of the key, so each client encodes
/// its message once and then overwrites those. Immutable; used by all workers.
/// </summary>
internal abstract class Workload(LoadOptions options)
{
    protected const int MessagePrefixBytes = 5;
    protected const byte FirstField = 0x0A;
    protected const byte SecondField = 0x12;

    protected LoadOptions Options { get; } = options;

    public abstract string Path { get; }

    /// <summary>The least number of bytes that a right answer has.</summary>
    public abstract int ResponseBytesMin { get; }

    // Behind the message's prefix come the tag and the length of the key, which is in both requests the first field.
    private int KeyOffset => MessagePrefixBytes + 1 + VarintBytes(Options.KeyBytes);

    public static Workload Create(LoadOptions options) => options.Workload switch
    {
        WorkloadKind.Put => new PutWorkload(options),
        WorkloadKind.Range => new RangeWorkload(options),
        _ => throw new ArgumentOutOfRangeException(nameof(options)),
    };

    public byte[] CreateMessage()
    {
        var body = new List<byte>();
        WriteBody(body);
        var message = new byte[MessagePrefixBytes + body.Count];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Count);
        body.CopyTo(message, MessagePrefixBytes);
        return message;
    }

    /// <summary>Makes the message the request number <paramref name="sequence"/> of the run.</summary>
    public void SetKey(byte[] message, long sequence)
    {
        long key = Options.KeyOrder == KeyOrder.Sequential
            ? sequence % Options.KeySpace
            : (long)(Scatter((ulong)sequence + Options.Seed) % (ulong)Options.KeySpace);
        Span<byte> digits = message.AsSpan(KeyOffset, Options.KeyBytes);
        for (int i = digits.Length - 1; i >= 0; i--, key /= 10)
            digits[i] = (byte)('0' + (key % 10));
    }

    protected abstract void WriteBody(List<byte> body);

    protected static void WriteBytesField(List<byte> body, byte tag, ReadOnlySpan<byte> value)
    {
        body.Add(tag);
        for (uint length = (uint)value.Length; ; length >>= 7)
        {
            body.Add((byte)(length < 0x80 ? length : length | 0x80));
            if (length < 0x80)
                break;
        }
        body.AddRange(value);
    }

    protected static int VarintBytes(int value) => value < 0x80 ? 1 : 1 + VarintBytes(value >> 7);

    // SplitMix64: a number without state, so that the keys of a run depend on nothing but the seed.
    private static ulong Scatter(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
