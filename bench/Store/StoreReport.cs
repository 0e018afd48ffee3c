using System.Globalization;
using System.Text;
using Etcd.Bench.Compare;

namespace Etcd.Bench.Store;

/// <summary>What was found of all sides, as text.</summary>
internal sealed class StoreReport(StoreOptions options, MachineFacts machine)
{
    /// <summary>Part of a file of its own.</summary>
    public const string Title = "# The store beside the real etcd\n\nWritten by `bench`; each section says by which command.\n";

    /// <summary>The part at rest, of each side.</summary>
    public List<(string Side, StoreFigures Figures)> AtRest { get; } = [];

    /// <summary>The part under load, of each side.</summary>
    public List<(string Side, LoadedFigures Figures)> UnderLoad { get; } = [];

    /// <summary>The tables.</summary>
    public string Tables()
    {
        var text = new StringBuilder();
        if (AtRest.Count > 0)
            text.AppendLine(StoreFigures.Table(AtRest));

        if (UnderLoad.Count > 0)
            text.AppendLine(LoadedFigures.Table(UnderLoad));

        return text.ToString();
    }

    /// <summary>The section of the part at rest.</summary>
    public string RenderAtRest() => Head($"A store of {options.Keys} keys") + string.Create(
        CultureInfo.InvariantCulture,
        $"""
        - Keys of 8 bytes, values of 256, put in order by {options.Clients} clients; then 30 % of them put again at random, compacted, defragmented. A restart is from the start of the killed process to the first answer to a linearizable read.
        - Live data: the bytes of the KeyValue messages.

        {StoreFigures.Table(AtRest)}
        """);

    /// <summary>The section of the part under load.</summary>
    public string RenderUnderLoad()
    {
        double[] others = [.. UnderLoad.SelectMany(side => side.Figures.Phases).Select(phase => phase.OtherCpuPercent).Order()];
        return Head($"Compaction of {options.Revisions} revisions and Defragment under load") + string.Create(
            CultureInfo.InvariantCulture,
            $"""
            - 100000 keys of 8 bytes, values of 256, put at random by up to {options.Clients} clients in an open loop at half of the most that the server itself did in 3 s; latency counts from when a put was due. Each phase takes {options.Phase.TotalSeconds:0.#} s at least, and until the work beside is over. Generator and server share the processors.
            - The compaction drops the {options.Revisions} revisions that were put before; its work ends when no file of the store has become smaller or gone for 2 s. CPU is user and system time of the process, the work beside too, divided by the puts.
            - Other processes and the kernel's threads took {others[others.Length / 2]:0}% of the processors (median of the phases; at most {others[^1]:0}%).

            {LoadedFigures.Table(UnderLoad)}
            """);
    }

    private string Head(string title) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        ## {title}

        Written by `{options.Command}` on {machine.Time}.

        - Machine: {machine.Processor}, {machine.Processors} processors, {machine.Memory}; {machine.System}; {machine.Runtime}; load average before the run {machine.LoadBefore}.
        - Disk: {machine.Disk}.

        """);
}
