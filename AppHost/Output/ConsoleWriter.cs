namespace AppHost.Output;

/// <summary>Writes to standard output without mixing the lines of those who write at the same time.</summary>
internal sealed class ConsoleWriter
{
    private readonly Lock _gate = new();

    public void Write(IEnumerable<string> lines)
    {
        lock (_gate)
        {
            foreach (var line in lines)
            {
                Console.Out.WriteLine(line);
            }
        }
    }
}
