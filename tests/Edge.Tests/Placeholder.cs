namespace Vlm.Edge.Tests;
