using System.Buffers.Binary;
using System.Text;
using Etcd.Bench.Load;

namespace Etcd.Bench.Tests;

/// <summary>Goal: the requests are what the .proto says. Method: the encoded bytes beside those written out by hand.</summary>
public sealed class WorkloadTests
{
    private static readonly LoadOptions Options = new() { Host = "localhost", Ports = [1], KeyOrder = KeyOrder.Sequential, KeySpace = 1000 };

    [Fact]
    public void A_put_is_field_1_the_key_and_field_2_the_value()
    {
        Workload workload = Workload.Create(Options with { Workload = WorkloadKind.Put });
        byte[] message = workload.CreateMessage();
        workload.SetKey(message, 1042);

        Assert.Equal([0, 0, 0, 1, 13, 0x0A, 8], message[..7]);
        Assert.Equal("00000042", Encoding.ASCII.GetString(message, 7, 8));
        Assert.Equal([0x12, 0x80, 0x02], message[15..18]);
        Assert.Equal(18 + 256, message.Length);
    }

    [Fact]
    public void A_range_is_field_1_the_key()
    {
        Workload workload = Workload.Create(Options with { Workload = WorkloadKind.Range, KeyBytes = 300 });
        byte[] message = workload.CreateMessage();
        workload.SetKey(message, 7);

        Assert.Equal(303, BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(1)));
        Assert.Equal([0x0A, 0xAC, 0x02], message[5..8]);
        Assert.Equal(new string('0', 299) + "7", Encoding.ASCII.GetString(message[8..]));
    }

    [Fact]
    public void Random_keys_stay_in_the_key_space_and_depend_on_the_seed_only()
    {
        List<string> first = Keys(seed: 1), again = Keys(seed: 1), other = Keys(seed: 2);

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.All(first, key => Assert.InRange(int.Parse(key, provider: null), 0, 999));
        Assert.InRange(first.Distinct().Count(), 800, 1000);
    }

    [Fact]
    public void Arrivals_are_evenly_spaced_and_do_not_drift()
    {
        var schedule = new ArrivalSchedule(3000);
        schedule.Start(1_000);
        for (int i = 0; i < 3000; i++)
            Assert.InRange(schedule.Take() - 1_000, (i * System.Diagnostics.Stopwatch.Frequency / 3000) - 1, (i * System.Diagnostics.Stopwatch.Frequency / 3000) + 1);

        Assert.InRange(schedule.Next - 1_000 - System.Diagnostics.Stopwatch.Frequency, -1, 1);
    }

    private static List<string> Keys(ulong seed)
    {
        Workload workload = Workload.Create(Options with { Workload = WorkloadKind.Range, KeyOrder = KeyOrder.Random, Seed = seed });
        byte[] message = workload.CreateMessage();
        var keys = new List<string>();
        for (int i = 0; i < 3000; i++)
        {
            workload.SetKey(message, i);
            keys.Add(Encoding.ASCII.GetString(message, 7, 8));
        }
        return keys;
    }
}
