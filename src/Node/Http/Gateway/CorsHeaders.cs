using Microsoft.AspNetCore.Http;

namespace Conclave.Node.Http.Gateway;

/// <summary>Headers that every answer outside gRPC carries.</summary>
internal static class CorsHeaders
{
    public static void Set(IHeaderDictionary headers, string origin)
    {
        headers.AccessControlAllowHeaders = "accept, content-type, authorization";
        headers.AccessControlAllowMethods = "POST, GET, OPTIONS, PUT, DELETE";
        headers.AccessControlAllowOrigin = origin;
    }
}
