"""Features against hooks on torchvision's own networks, what stays fixed, and errors of files and names."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from imfuse.errors import ImfuseError, ModelError
from imfuse.lab.nn.feature_extractor import DEFAULT_LAYERS, DEVIATION, MEAN, FeatureExtractor, as_extractor
from imfuse.lab.nn.pretrained import named_network
from imfuse.lab.nn.vgg_names import vgg_layer


class Block(nn.Module):
    """A residual block that adds in place, and uses its rectifier twice."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.normalisation = nn.BatchNorm2d(3)
        self.relu = nn.ReLU(inplace=True)
        self.unused = nn.ReLU()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.normalisation(self.convolution(self.relu(images)))
        values += images
        return self.relu(values).mul_(2)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 32, 36, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, padding=1)
    )


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    """torch.hub keeps its files in an empty folder, and there is no network."""

    def refused(*_: object, **__: object) -> None:
        raise URLError("no route")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", refused)
    return tmp_path


def hooked(network: nn.Module, layers: tuple[str, ...], images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Each layer's values, copied before anything can overwrite them."""
    values: dict[str, torch.Tensor] = {}

    def keep(layer: str, output: Any) -> None:
        values[layer] = output.clone()

    for layer in layers:
        network.get_submodule(layer).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: keep(layer, output)
        )
    shift, scale = (torch.tensor(each).view(3, 1, 1) for each in (MEAN, DEVIATION))
    with torch.no_grad():
        network.eval().get_submodule("features")((images - shift) / scale)
    return values


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("vgg16", ("features.0", "features.1", "features.2", "features.5", "features.7")),
        ("mobilenet_v2", ("features.0.1", "features.0.2", "features.3.conv.1", "features.3", "features.6")),
    ],
)
def test_convolutions_and_rectifiers_are_those_of_torchvision(name, layers, images):
    network = models.mobilenet_v2() if name == "mobilenet_v2" else nn.Module()
    if name == "vgg16":
        network.features = models.vgg.make_layers(models.vgg.cfgs["D"])
    network.load_state_dict(named_network(name, "random").state_dict(), strict=False)
    ours = FeatureExtractor(name, layers, "random")(images)
    assert tuple(ours) == layers
    for layer, expected in hooked(network, layers, images).items():
        torch.testing.assert_close(ours[layer], expected)
    assert any((values < 0).any() for values in ours.values())


def test_values_that_are_changed_in_place_later_are_kept_as_they_were(images):
    torch.manual_seed(0)
    block = Block().eval()
    shift, scale = (torch.tensor(each).view(3, 1, 1) for each in (MEAN, DEVIATION))
    values = (images - shift) / scale
    convolved = block.convolution(values.relu())
    ours = FeatureExtractor(nn.Sequential(block, nn.Conv2d(3, 1, 1)), ["0", "0.relu", "0.normalisation"])(images)
    torch.testing.assert_close(ours["0.relu"], values.relu())
    torch.testing.assert_close(ours["0.normalisation"], block.normalisation(convolved))
    torch.testing.assert_close(ours["0"], 2 * (block.normalisation(convolved) + values).relu())


def test_nothing_beyond_the_deepest_layer_is_there_or_computed(small, images):
    computed = []
    for name, module in small.named_children():
        module.register_forward_hook(lambda _module, _inputs, _output, name=name: computed.append(name))
    extractor = FeatureExtractor(nn.Sequential(*small, nn.Linear(7, 7)), ["2"])
    computed.clear()
    extractor(images)
    assert computed == ["0", "1", "2"]
    assert len(list(FeatureExtractor("vgg19", ["features.2"], "random").parameters())) == 4


def test_grey_images_are_three_equal_channels(small, images):
    extractor = FeatureExtractor(small, ["0"])
    grey = images[:, :1]
    torch.testing.assert_close(extractor(grey)["0"], extractor(grey.expand(-1, 3, -1, -1))["0"])
    with pytest.raises(ValueError, match="2 channels: expected 1 or 3"):
        extractor(images[:, :2])


def test_a_parent_in_training_changes_neither_statistics_nor_values(images):
    extractor = FeatureExtractor("mobilenet_v2", ["features.1"], "random")
    before, state = extractor(images)["features.1"], copy.deepcopy(extractor.state_dict())
    parent = nn.ModuleList([extractor]).train()
    assert not any(module.training for module in extractor.modules())
    assert torch.equal(parent[0](images)["features.1"], before)
    assert all(torch.equal(values, state[name]) for name, values in extractor.state_dict().items())


def test_the_gradient_flows_to_the_images_alone(small, images):
    extractor = FeatureExtractor(small, ["3"])
    images.requires_grad_()
    extractor(images)["3"].square().sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in extractor.parameters())
    assert all(parameter.requires_grad for parameter in small.parameters())
    assert small.training
    assert small[1].inplace
    double = images.detach()[:1, :, :4, :4].double()
    assert torch.autograd.gradcheck(lambda x: tuple(extractor.double()(x).values()), double.requires_grad_())


@pytest.mark.parametrize("name", ["vgg16", "vgg19", "mobilenet_v2"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (40, 3)])
def test_five_levels_of_any_size(name, size):
    features = FeatureExtractor(name, weights="random")(torch.rand(1, 1, *size))
    assert tuple(features) == DEFAULT_LAYERS[name]
    assert all(torch.isfinite(values).all() and values.numel() for values in features.values())
    assert len({values.shape[1] for values in features.values()}) == (4 if name != "mobilenet_v2" else 5)


def test_copies_and_pickles_are_equal_and_seeds_differ(images):
    extractor = FeatureExtractor("mobilenet_v2", ["features.1", "features.2"], "random")
    expected = extractor(images)["features.2"]
    for twin in (copy.deepcopy(extractor), pickle.loads(pickle.dumps(extractor))):
        assert torch.equal(twin(images)["features.2"], expected)
        assert twin.layers == extractor.layers
        assert not twin.train().training
    stored = io.BytesIO()
    torch.save(extractor, stored)
    stored.seek(0)
    assert torch.equal(torch.load(stored, weights_only=False)(images)["features.2"], expected)
    other = FeatureExtractor("mobilenet_v2", ["features.2"], "random", seed=1)
    assert not torch.allclose(other(images)["features.2"], expected)


def test_random_weights_leave_the_global_generator_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    FeatureExtractor("mobilenet_v2", ["features.1"], "random")
    assert torch.equal(torch.rand(1), expected)


def test_it_follows_dtypes_and_autocast_and_compiles_whole(small, images):
    extractor = FeatureExtractor(small, ["1", "3"])
    expected = extractor(images)["3"]
    compiled = torch.compile(extractor, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(images)["3"], expected)
    assert extractor(images.double())["3"].dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = extractor(images.bfloat16())["3"]
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, atol=0.05, rtol=0.05)
    assert extractor.double()(images)["3"].dtype == torch.float64


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_cuda_gives_the_same(images):
    extractor = FeatureExtractor("mobilenet_v2", ["features.3"], "random")
    expected = extractor(images)["features.3"]
    torch.testing.assert_close(extractor.cuda()(images.cuda())["features.3"].cpu(), expected, atol=1e-3, rtol=1e-3)


def test_names_of_the_literature():
    assert vgg_layer("vgg19", "conv3_4") == "features.16"
    assert vgg_layer("vgg16", "relu1_2") == "features.3"
    for name, configuration in (("vgg16", "D"), ("vgg19", "E")):
        layers = models.vgg.make_layers(models.vgg.cfgs[configuration])
        for layer, kind in (("conv5_3", nn.Conv2d), ("relu4_1", nn.ReLU), ("pool5", nn.MaxPool2d)):
            assert isinstance(layers[int(vgg_layer(name, layer).removeprefix("features."))], kind)
    with pytest.raises(ModelError, match="did you mean 'conv3_3'"):
        vgg_layer("vgg16", "conv33")
    with pytest.raises(ModelError, match="no layer 'conv3_4'"):
        vgg_layer("vgg16", "conv3_4")
    with pytest.raises(ModelError, match="expected vgg16 or vgg19"):
        vgg_layer("vgg11", "conv1_1")


@pytest.mark.parametrize(
    ("network", "layers", "said"),
    [
        ("vgg99", None, "'vgg99': expected vgg16, vgg19, mobilenet_v2"),
        (
            "mobilenet_v2",
            ["features.19"],
            "did you mean 'features.9'.*, features.18, classifier, and those inside them",
        ),
        ("mobilenet_v2", "features.1", "expected a list"),
        ("mobilenet_v2", [], "at least one of"),
        (nn.Sequential(nn.ReLU()), None, "expected a list of at least one of 0"),
        (Block(), ["unused"], "'unused' of Block gives no tensor"),
        (nn.Sequential(nn.Conv2d(1, 1, 1)), ["0"], "takes no images of 3 channels"),
    ],
)
def test_wrong_names_are_refused_with_those_that_exist(network, layers, said):
    with pytest.raises(ModelError, match=said):
        FeatureExtractor(network, layers, "random")


def test_a_network_that_decides_by_values_is_refused():
    class Deciding(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images if images.sum() > 0 else -images

    with pytest.raises(ModelError, match=r"torch\.fx does not trace it"):
        FeatureExtractor(nn.Sequential(Deciding()), ["0"])


def test_missing_weights_say_which_file_goes_where(no_weights):
    with pytest.raises(ModelError) as raised:
        FeatureExtractor("mobilenet_v2")
    for said in (
        "mobilenet_v2-b0353104.pth",
        str(no_weights / "hub" / "checkpoints"),
        "TORCH_HOME",
        "no route",
        "path",
    ):
        assert said in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"no weights", "code"])
def test_damaged_files_are_refused(no_weights, content):
    cached = no_weights / "hub" / "checkpoints" / "mobilenet_v2-b0353104.pth"
    cached.parent.mkdir(parents=True)
    if content == "code":
        torch.save({"features.0.0.weight": Block}, cached)
    else:
        cached.write_bytes(content)
    for weights in ("imagenet", cached):
        with pytest.raises(ModelError, match=r"mobilenet_v2-b0353104\.pth is damaged"):
            FeatureExtractor("mobilenet_v2", weights=weights)


def test_a_file_of_weights_with_and_without_classifier_and_of_features_alone(tmp_path, images):
    torch.manual_seed(0)
    whole = models.mobilenet_v2()
    expected = hooked(whole, ("features.2",), images)["features.2"]
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    save_file(dict(whole.features.state_dict(prefix="features.")), tmp_path / "named.safetensors")
    save_file(dict(whole.features.state_dict()), tmp_path / "alone.safetensors")
    for file in tmp_path.iterdir():
        ours = FeatureExtractor("mobilenet_v2", ["features.2"], file)(images)["features.2"]
        torch.testing.assert_close(ours, expected)


def test_files_that_are_missing_or_of_another_network_are_refused(tmp_path, small, images):
    with pytest.raises(ImfuseError, match=r"no file of weights .*absent\.pth"):
        FeatureExtractor("vgg16", weights=tmp_path / "absent.pth")
    file = tmp_path / "small.pth"
    torch.save(small.state_dict(), file)
    with pytest.raises(ModelError, match=r"small\.pth does not fit MobileNetV2"):
        FeatureExtractor("mobilenet_v2", weights=file)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ModelError, match="expected a state dict"):
        FeatureExtractor("mobilenet_v2", weights=tmp_path / "list.pth")
    other = copy.deepcopy(small)
    nn.init.zeros_(other[0].weight)
    expected = FeatureExtractor(small, ["3"])(images)["3"]
    assert not torch.equal(FeatureExtractor(other, ["3"])(images)["3"], expected)
    assert torch.equal(FeatureExtractor(other, ["3"], file)(images)["3"], expected)


def test_an_extractor_is_taken_as_it_is(small):
    extractor = as_extractor(small, ["0", "3"])
    assert as_extractor(extractor) is extractor
    assert as_extractor(extractor, ["3"]) is extractor
    with pytest.raises(ModelError, match="gives 0, 3, not 1"):
        as_extractor(extractor, ["1", "3"])


def test_imagenet_weights_give_the_features_of_torchvision(shared_data, monkeypatch):
    home = shared_data.parent / "torch"
    if not (home / "hub" / "checkpoints" / "mobilenet_v2-b0353104.pth").is_file():
        pytest.skip("the weights are not on this machine")
    monkeypatch.setenv("TORCH_HOME", str(home))
    from skimage.data import astronaut

    network = models.mobilenet_v2(weights="IMAGENET1K_V1")
    picture = torch.from_numpy(astronaut()[::4, ::4]).permute(2, 0, 1)[None] / 255
    layers = DEFAULT_LAYERS["mobilenet_v2"]
    ours = FeatureExtractor("mobilenet_v2")(picture)
    for layer, expected in hooked(network, layers, picture).items():
        torch.testing.assert_close(ours[layer], expected, atol=1e-4, rtol=1e-4)
