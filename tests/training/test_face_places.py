import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import grid_sample

from facecover.training.locator_training import cut_out, fills_image, grid_on_faces

SHARES = st.floats(0, 0.45), st.floats(0, 0.45), st.floats(0.55, 1), st.floats(0.55, 1)


def test_only_a_face_with_nothing_around_it_fills_its_image() -> None:
    whole, inside = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.5]
    assert fills_image(torch.tensor([whole, inside, [torch.nan] * 4])).tolist() == [
        True,
        False,
        False,
    ]


def test_a_face_that_fills_its_image_is_cut_out_as_it_is() -> None:
    images = torch.rand(3, 3, 33, 33)
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(3, 1)
    torch.testing.assert_close(cut_out(images, whole), images, rtol=0, atol=1e-4)


def test_a_quarter_is_cut_out() -> None:
    images = torch.zeros(1, 3, 32, 32)
    images[:, 0, :16, 16:] = 1
    face = cut_out(images, torch.tensor([[0.5, 0.0, 1.0, 0.5]]))
    assert face[:, 0, 1:-1, 1:-1].min() == 1
    assert face[:, 1:].max() == 0


@settings(max_examples=30)
@given(place=st.tuples(*SHARES))
def test_what_is_cut_out_goes_back_to_where_it_was(place: tuple[float, ...]) -> None:
    across = torch.linspace(0, 1, 64)
    images = torch.stack([across.expand(64, 64), across.unsqueeze(1).expand(64, 64)]).unsqueeze(0)
    places = torch.tensor([place], dtype=torch.float32)
    grid = grid_on_faces(images, places)
    back = grid_sample(cut_out(images, places), grid, align_corners=False, padding_mode="border")
    inside = (grid.abs() < 0.95).all(dim=3)[0]
    assert inside.any()
    torch.testing.assert_close(back[0, :, inside], images[0, :, inside], rtol=0, atol=0.02)
