using Etcd.Server.Io;

namespace Etcd.Server.Tests.Io;

/// <summary>
/// What every <see cref="IFileSystem"/> does, whatever is below it. Run on the operating system's and on the simulated
/// one, so that what is proven on the simulated one means something on the real one.
/// </summary>
public abstract class FileSystemContract
{
    protected abstract IFileSystem Files { get; }

    protected abstract string Root { get; }

    [Fact]
    public void Reads_what_was_written_where_it_was_written()
    {
        using IDataFile file = Files.Open(At("a"), FileOpenMode.CreateNew);
        file.WriteAt([1, 2, 3], 0);
        file.WriteAt([9], 1);
        file.WriteAt([7], 5);

        byte[] read = new byte[10];
        Assert.Equal(6, file.ReadAt(read, 0));
        Assert.Equal([1, 9, 3, 0, 0, 7], read[..6]);
        Assert.Equal(6, file.Length);
        Assert.Equal(2, file.ReadAt(read, 4));
        Assert.Equal(0, file.ReadAt(read, 6));
        Assert.Equal(0, file.ReadAt(read, 600));
    }

    [Fact]
    public void Gathered_buffers_are_written_one_behind_the_other()
    {
        using IDataFile file = Files.Open(At("a"), FileOpenMode.CreateNew);
        file.WriteAt([new byte[] { 1, 2 }, ReadOnlyMemory<byte>.Empty, new byte[] { 3 }], 4);
        Assert.Equal([0, 0, 0, 0, 1, 2, 3], Content(file));
    }

    [Fact]
    public void The_length_can_be_cut_and_grows_with_zeros()
    {
        using IDataFile file = Files.Open(At("a"), FileOpenMode.CreateNew);
        file.WriteAt([1, 2, 3, 4], 0);
        file.SetLength(2);
        file.SetLength(5);
        Assert.Equal([1, 2, 0, 0, 0], Content(file));
    }

    [Fact]
    public void Preallocation_gains_zeros_and_keeps_what_is_there()
    {
        using IDataFile file = Files.Open(At("a"), FileOpenMode.CreateNew);
        file.Preallocate(0);
        file.WriteAt([1, 2], 0);
        file.Preallocate(4096);
        Assert.Equal(4096, file.Length);
        Assert.Equal([1, 2, .. new byte[4094]], Content(file));
        file.Preallocate(10);
        Assert.Equal(4096, file.Length);
    }

    [Fact]
    public void Syncs_of_a_healthy_file_succeed()
    {
        using IDataFile file = Files.Open(At("a"), FileOpenMode.CreateNew);
        file.WriteAt([1], 0);
        file.DataSync();
        file.FullSync();
        Files.SyncDirectory(Root);
        Assert.False(file.IsPoisoned);
    }

    [Fact]
    public void Open_modes_differ_in_what_they_do_about_an_existing_file()
    {
        Assert.Equal(FileSystemError.NotFound, Fails(() => Files.Open(At("a"), FileOpenMode.Read)));
        Assert.Equal(FileSystemError.NotFound, Fails(() => Files.Open(At("a"), FileOpenMode.ReadWrite)));
        Files.Open(At("a"), FileOpenMode.CreateNew).Dispose();
        Assert.Equal(FileSystemError.AlreadyExists, Fails(() => Files.Open(At("a"), FileOpenMode.CreateNew)));

        using (IDataFile file = Files.Open(At("a"), FileOpenMode.ReadWrite))
        {
            file.WriteAt([1], 0);
        }

        using (IDataFile file = Files.Open(At("a"), FileOpenMode.Read))
        {
            Assert.Equal([1], Content(file));
            Assert.Equal(FileSystemError.AccessDenied, Fails(() => file.WriteAt([2], 0)));
        }

        using IDataFile truncated = Files.Open(At("a"), FileOpenMode.CreateOrTruncate);
        Assert.Equal(0, truncated.Length);
    }

    [Fact]
    public void A_lock_excludes_another_open_file_until_it_is_closed()
    {
        using IDataFile second = CreateAndReopen(out IDataFile first);
        Assert.True(first.TryLock());
        Assert.False(second.TryLock());
        first.Dispose();
        Assert.True(second.TryLock());
    }

    [Fact]
    public void A_lock_stays_with_the_file_when_it_is_renamed()
    {
        using IDataFile first = Files.Open(At("a"), FileOpenMode.CreateNew);
        Assert.True(first.TryLock());
        Files.Rename(At("a"), At("b"));
        using IDataFile second = Files.Open(At("b"), FileOpenMode.ReadWrite);
        Assert.False(second.TryLock());
        first.WriteAt([1], 0);
        Assert.Equal([1], Content(second));
    }

    [Fact]
    public void Names_are_listed_in_ordinal_order()
    {
        foreach (string name in new[] { "b", "a", "B", "10", "9" })
        {
            Files.Open(At(name), FileOpenMode.CreateNew).Dispose();
        }

        Files.CreateDirectory(At("A"));
        Assert.Equal(["10", "9", "A", "B", "a", "b"], Files.List(Root));
        Assert.Equal(FileSystemError.NotFound, Fails(() => Files.List(At("none"))));
    }

    [Fact]
    public void Renaming_a_file_replaces_the_one_with_the_new_name()
    {
        Create("a", 1);
        Create("b", 2);
        Files.Rename(At("a"), At("b"));
        Assert.False(Files.FileExists(At("a")));
        using IDataFile file = Files.Open(At("b"), FileOpenMode.Read);
        Assert.Equal([1], Content(file));
        Assert.Equal(FileSystemError.NotFound, Fails(() => Files.Rename(At("a"), At("c"))));
    }

    [Fact]
    public void Renaming_a_directory_takes_its_files_along_and_replaces_nothing()
    {
        Files.CreateDirectory(At("d"));
        Create("d/a", 1);
        Files.CreateDirectory(At("e"));
        Assert.Equal(FileSystemError.AlreadyExists, Fails(() => Files.Rename(At("d"), At("e"))));
        Files.Rename(At("d"), At("f"));
        Assert.True(Files.FileExists(At("f/a")));
        Assert.False(Files.DirectoryExists(At("d")));
    }

    [Fact]
    public void Deleting_says_when_there_is_nothing_or_too_much_to_delete()
    {
        Files.CreateDirectory(At("d"));
        Create("d/a", 1);
        Assert.Equal(FileSystemError.NotEmpty, Fails(() => Files.DeleteDirectory(At("d"))));
        Files.DeleteFile(At("d/a"));
        Assert.Equal(FileSystemError.NotFound, Fails(() => Files.DeleteFile(At("d/a"))));
        Files.DeleteDirectory(At("d"));
        Assert.Equal(FileSystemError.NotFound, Fails(() => Files.DeleteDirectory(At("d"))));
        Assert.Empty(Files.List(Root));
    }

    [Fact]
    public void Directories_are_created_one_at_a_time_or_durably_with_their_parents()
    {
        Assert.Equal(FileSystemError.NotFound, Fails(() => Files.CreateDirectory(At("x/y"))));
        Files.CreateDirectoryDurably(At("x/y/z"));
        Files.CreateDirectoryDurably(At("x/y/z"));
        Files.CreateDirectoryDurably(At("x/v/w") + "/");
        Assert.True(Files.DirectoryExists(At("x/v/w")));
        Assert.Equal(FileSystemError.AlreadyExists, Fails(() => Files.CreateDirectory(At("x"))));
        Create("x/y/a", 1);
        Files.DeleteTree(At("x"));
        Files.DeleteTree(At("x"));
        Assert.Empty(Files.List(Root));
    }

    protected static FileSystemError Fails(Action action) => Assert.Throws<FileSystemException>(action).Error;

    protected static byte[] Content(IDataFile file)
    {
        byte[] content = new byte[file.Length];
        Assert.Equal(content.Length, file.ReadAt(content, 0));
        return content;
    }

    protected string At(string name) => Root + "/" + name;

    protected void Create(string name, byte content)
    {
        using IDataFile file = Files.Open(At(name), FileOpenMode.CreateNew);
        file.WriteAt([content], 0);
    }

    private IDataFile CreateAndReopen(out IDataFile first)
    {
        first = Files.Open(At("a"), FileOpenMode.CreateNew);
        return Files.Open(At("a"), FileOpenMode.ReadWrite);
    }
}
