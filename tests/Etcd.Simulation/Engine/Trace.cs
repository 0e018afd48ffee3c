using System.Globalization;
using System.Numerics;

namespace Etcd.Simulation.Engine;

/// <summary>
/// What happened, in order: always as a hash, which two runs of one seed must share, and as text when somebody reads it.
/// </summary>
internal sealed class Trace(Scheduler scheduler, TextWriter? text)
{
    private ulong _hash = 0xCBF29CE484222325;

    /// <summary>The hash of all events so far.</summary>
    public ulong Hash => _hash;

    /// <summary>Whether <see cref="Say"/> writes.</summary>
    public bool IsOn => text is not null;

    /// <summary>Takes an event into the hash.</summary>
    public void Mix(ulong kind, ulong who, ulong what, ulong detail = 0)
    {
        Add(((ulong)scheduler.Now << 8) ^ kind);
        Add(who);
        Add(what);
        Add(detail);
    }

    /// <summary>Writes a line; to be asked only when <see cref="IsOn"/>.</summary>
    public void Say(string who, string what) =>
        text?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{scheduler.Now / (double)Scheduler.Second,12:F6} {who,-4} {what}"));

    private void Add(ulong value)
    {
        _hash ^= value;
        _hash *= 0x9E3779B97F4A7C15;
        _hash = BitOperations.RotateLeft(_hash, 29);
    }
}
