namespace Etcd.Server.Storage;

/// <summary>How much room the store takes. Any thread; a question may cost some microseconds.</summary>
public interface IStoreSize
{
    /// <summary>Bytes that the store takes, free ones that it holds on to among them: what a quota is about.</summary>
    long SizeBytes { get; }

    /// <summary>Bytes of <see cref="SizeBytes"/> that hold something that is not dropped.</summary>
    long SizeInUseBytes { get; }
}
