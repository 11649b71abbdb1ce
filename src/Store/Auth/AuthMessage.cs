using Conclave.Store.Protobuf;

namespace Conclave.Store.Auth;

/// <summary>The body of an auth command. All fields of all of etcd's auth requests are strings, bytes or messages, so one reader does for all.</summary>
internal ref struct AuthMessage
{
    public ReadOnlySpan<byte> First;
    public ReadOnlySpan<byte> Second;
    public ReadOnlySpan<byte> Third;
    public ReadOnlySpan<byte> Fourth;

    /// <summary>An empty message is not the same as none.</summary>
    public bool HasSecond;

    public static bool TryParse(ReadOnlySpan<byte> message, out AuthMessage request)
    {
        request = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3 | 2: request.First = reader.Bytes(); break;
                case 2 << 3 | 2:
                    request.Second = reader.Bytes();
                    request.HasSecond = true;
                    break;
                case 3 << 3 | 2: request.Third = reader.Bytes(); break;
                case 4 << 3 | 2: request.Fourth = reader.Bytes(); break;
                default: reader.Skip(); break;
            }
        }

        return !reader.Failed;
    }

    /// <summary>The only field of authpb.UserAddOptions.</summary>
    public static bool TryParseOptions(ReadOnlySpan<byte> message, out bool isWithoutPassword)
    {
        isWithoutPassword = false;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            if (reader.Tag == 1 << 3)
                isWithoutPassword = reader.Bool();
            else
                reader.Skip();
        }

        return !reader.Failed;
    }

    /// <summary>An authpb.Permission, copied.</summary>
    public static bool TryParsePermission(ReadOnlySpan<byte> message, out AuthPermission permission)
    {
        PermissionKind kind = default;
        ReadOnlySpan<byte> key = default, rangeEnd = default;
        var reader = new WireReader(message);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case 1 << 3: kind = (PermissionKind)reader.Enum(); break;
                case 2 << 3 | 2: key = reader.Bytes(); break;
                case 3 << 3 | 2: rangeEnd = reader.Bytes(); break;
                default: reader.Skip(); break;
            }
        }

        permission = new AuthPermission(kind, key.ToArray(), rangeEnd.ToArray());
        return !reader.Failed;
    }
}
