namespace Etcd.Bench.Load;

/// <summary>A run that measured nothing.</summary>
internal sealed class LoadFailedException(string message) : Exception(message);
