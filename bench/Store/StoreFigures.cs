using System.Globalization;
using System.Text;

namespace Etcd.Bench.Store;

/// <summary>What was measured of one side.</summary>
internal sealed record StoreFigures
{
    /// <summary>From the start of the process to the first answer to a linearizable read, milliseconds, of several restarts.</summary>
    public required IReadOnlyList<double> RestartMs { get; init; }

    /// <summary>Resident memory after that answer.</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>Keys and values and what etcd keeps beside them: the bytes of the live KeyValue messages, about.</summary>
    public required long LiveBytes { get; init; }

    /// <summary>The store's own files (etcd: snap/db; ours: store) after overwriting 30 % and compacting.</summary>
    public required long StoreBytes { get; init; }

    /// <summary>The same after Defragment.</summary>
    public required long DefragmentedBytes { get; init; }

    /// <summary>How long Defragment took, milliseconds.</summary>
    public required double DefragmentMs { get; init; }

    /// <summary>The whole data folder, the log too, after Defragment.</summary>
    public required long FolderBytes { get; init; }

    /// <summary>All keys read in pages of 10,000 after the restart, milliseconds.</summary>
    public required double ReadAllMs { get; init; }

    /// <summary>The count of all keys, milliseconds, median.</summary>
    public required double CountMs { get; init; }

    /// <summary>The table in Markdown.</summary>
    public static string Table(IEnumerable<(string Side, StoreFigures Figures)> found)
    {
        var table = new StringBuilder();
        table.AppendLine("| | restart to the first answer, ms | RSS then, MiB | store after overwriting 30 % and compacting, of the live data | after Defragment | Defragment, ms | whole folder, MiB | all keys read after the restart, ms | count of all keys, ms |");
        table.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach ((string side, StoreFigures f) in found)
        {
            table.AppendLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {side} | {string.Join(", ", f.RestartMs.Select(ms => ms.ToString("0", CultureInfo.InvariantCulture)))} | {f.ResidentBytes >> 20} | {(double)f.StoreBytes / f.LiveBytes:0.00} | {(double)f.DefragmentedBytes / f.LiveBytes:0.00} | {f.DefragmentMs:0} | {f.FolderBytes >> 20} | {f.ReadAllMs:0} | {f.CountMs:0.00} |"));
        }

        return table.ToString();
    }
}
