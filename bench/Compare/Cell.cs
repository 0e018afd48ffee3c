using System.Globalization;
using Etcd.Bench.Load;

namespace Etcd.Bench.Compare;

/// <summary>One line of the comparison: a workload at a number of clients, or at a fixed offered load.</summary>
internal sealed record Cell(WorkloadKind Workload, int Clients, bool FixedLoad)
{
    // An open loop needs enough clients that a slow answer does not hold back the next call.
    private const int FixedLoadClients = 1000;

    public static Cell Fixed(WorkloadKind workload) => new(workload, FixedLoadClients, true);

    public string Name
    {
        get
        {
            string workload = Workload == WorkloadKind.Put ? "put" : "linearizable range";
            if (FixedLoad)
                return $"{workload}, half of etcd's maximum";
            return string.Create(CultureInfo.InvariantCulture, $"{workload}, {Clients} client{(Clients == 1 ? "" : "s")}");
        }
    }
}
