using Etcd.Protocol.Wire;

namespace Etcd.Server.Apply;

/// <summary>
/// The envelope of a log entry (etcdserverpb.InternalRaftRequest) without making objects: the id of the request, and
/// the one command in it by field number and as the slice of the entry that holds it.
/// </summary>
/// <param name="RequestId">What waits for it; zero if nothing does.</param>
/// <param name="Field">
/// The command's field number; zero for an empty entry; <see cref="LegacyRequest.MethodField"/> for one that is no envelope but a
/// <see cref="LegacyRequest"/>, which is the payload then.
/// </param>
/// <param name="Payload">The command's own bytes.</param>
internal readonly record struct CommandReader(ulong RequestId, int Field, ReadOnlyMemory<byte> Payload)
{
    private const int HeaderField = 100;
    private const int IdField = 1;
    private const int HeaderIdField = 1;
    private const int HeaderUserField = 2;
    private const int HeaderAuthRevisionField = 3;

    /// <summary>The name of the user who asked, in UTF-8; empty if nobody in particular did.</summary>
    public ReadOnlyMemory<byte> User { get; init; }

    /// <summary>The auth revision at which the user was known; zero where there is no user.</summary>
    public ulong AuthRevision { get; init; }

    /// <summary>Reads an entry's data. Fields that this version does not know are passed over.</summary>
    /// <param name="data">The entry's data.</param>
    /// <exception cref="ProtoFormatException">The data is no such message: the log is not what it should be.</exception>
    public static CommandReader Read(ReadOnlyMemory<byte> data)
    {
        ulong requestId = 0;
        int field = 0;
        bool isLegacy = false;
        ReadOnlyMemory<byte> payload = default;
        ReadOnlyMemory<byte> header = default;
        var reader = new ProtoReader(data.Span);
        while (!reader.IsAtEnd)
        {
            uint tag = reader.ReadTag();
            int number = (int)(tag >> 3);
            bool isMessage = (ProtoWireType)(tag & 7) == ProtoWireType.LengthDelimited;
            if (number == HeaderField && isMessage)
            {
                ReadOnlySpan<byte> bytes = reader.ReadBytes(out int offset);
                header = data.Slice(offset, bytes.Length);
            }
            else if (number == IdField && !isMessage)
            {
                // Entries of versions before the header carry their id here.
                requestId = reader.ReadVarint();
            }
            else if (isMessage)
            {
                ReadOnlySpan<byte> bytes = reader.ReadBytes(out int offset);
                isLegacy |= number == LegacyRequest.MethodField;
                (field, payload) = (number, data.Slice(offset, bytes.Length));
            }
            else
            {
                reader.Skip(tag);
            }
        }

        return isLegacy
            ? new CommandReader(requestId, LegacyRequest.MethodField, data)
            : new CommandReader(requestId, field, payload).WithHeader(header);
    }

    /// <summary>The field number of the command in an entry, for figures: without reading the rest. Zero if there is none to be seen.</summary>
    /// <param name="data">The entry's data.</param>
    public static int PeekField(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new ProtoReader(data);
            while (!reader.IsAtEnd)
            {
                uint tag = reader.ReadTag();
                int number = (int)(tag >> 3);
                if (number is not (HeaderField or IdField))
                {
                    return number;
                }

                reader.Skip(tag);
            }
        }
        catch (ProtoFormatException)
        {
            // Whether the entry can be applied is not said here.
        }

        return 0;
    }

    private CommandReader WithHeader(ReadOnlyMemory<byte> header)
    {
        ulong id = 0;
        ReadOnlyMemory<byte> user = default;
        ulong revision = 0;
        var reader = new ProtoReader(header.Span);
        while (!reader.IsAtEnd)
        {
            uint tag = reader.ReadTag();
            if (tag == ProtoWriter.Tag(HeaderIdField, ProtoWireType.Varint))
            {
                id = reader.ReadVarint();
            }
            else if (tag == ProtoWriter.Tag(HeaderUserField, ProtoWireType.LengthDelimited))
            {
                ReadOnlySpan<byte> name = reader.ReadBytes(out int offset);
                user = header.Slice(offset, name.Length);
            }
            else if (tag == ProtoWriter.Tag(HeaderAuthRevisionField, ProtoWireType.Varint))
            {
                revision = reader.ReadVarint();
            }
            else
            {
                reader.Skip(tag);
            }
        }

        // Entries of versions before the header have their id outside of it.
        return this with { RequestId = id == 0 ? RequestId : id, User = user, AuthRevision = revision };
    }
}
