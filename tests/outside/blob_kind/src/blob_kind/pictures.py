"""Events with blobs as the report draws them, and what their efficiency says in it."""

from hitforge.report.events import EventPictures
from hitforge.report.sections import Headline, Section, Subsection
from hitforge.report.style import new_figure, picture


class BlobPictures(EventPictures):
    """Hits by blob."""

    def pictures(self, arrays, detector):
        """Draw all hits in one picture."""
        if not arrays:
            return []
        figure = new_figure(4, 4)
        figure.subplots().scatter(arrays["x"], arrays["y"], 4, arrays["owner"])
        return [picture(figure, f"{len(arrays['x'])} hits of blobs", "")]


class BlobEfficiencySection(Section):
    """A number at the top and a bar a method."""

    place = 156.0

    def headline(self, run):
        """In percent."""
        return Headline("blobs", (("blob_efficiency", "blobs found [%]", 100.0),))

    def subsections(self, run):
        """One of them."""
        figure = new_figure(4, 2)
        values = [one.metric("blob_efficiency")["value"] for one in run.methods]
        figure.subplots().barh(range(len(values)), values)
        yield Subsection("blobs", "Blobs", [picture(figure, "Share of blobs that are found", "")], self.place)
