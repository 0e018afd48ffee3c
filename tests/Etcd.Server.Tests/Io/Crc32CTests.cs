using System.Text;
using Etcd.Server.Io;

namespace Etcd.Server.Tests.Io;

/// <summary>Goal: the checksum is CRC-32C, whatever the length and however the data are cut. Method: the check value, and a bit by bit computation.</summary>
public sealed class Crc32CTests
{
    [Fact]
    public void The_check_value_is_that_of_the_catalogue() =>
        Assert.Equal(0xE3069283U, Crc32C.Append(0, Encoding.ASCII.GetBytes("123456789")));

    [Fact]
    public void Any_length_is_right()
    {
        var bytes = new byte[10_000];
        new Random(3).NextBytes(bytes);
        uint state = uint.MaxValue;
        for (int length = 0; length < bytes.Length; length++)
        {
            uint found = Crc32C.Append(0, bytes.AsSpan(0, length));
            Assert.True(found == ~state, $"{length} bytes");
            state = Next(state, bytes[length]);
        }
    }

    [Fact]
    public void It_does_not_matter_where_data_are_cut()
    {
        var random = new Random(4);
        var bytes = new byte[9000];
        random.NextBytes(bytes);
        uint whole = Crc32C.Append(0, bytes);
        for (int i = 0; i < 200; i++)
        {
            int at = random.Next(bytes.Length + 1);
            Assert.Equal(whole, Crc32C.Append(Crc32C.Append(0, bytes.AsSpan(0, at)), bytes.AsSpan(at)));
        }
    }

    private static uint Next(uint state, byte value)
    {
        state ^= value;
        for (int bit = 0; bit < 8; bit++)
            state = (state >> 1) ^ ((state & 1) != 0 ? 0x82F63B78U : 0);

        return state;
    }
}
